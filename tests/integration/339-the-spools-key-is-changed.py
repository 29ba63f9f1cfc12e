"""Goal: a new key comes into force by a reload while objects wait under the old one: both are
delivered. With the old key taken away too early they wait, told of once, and go once it is back. A
key that doesn't fit, or that others can read, is refused with its cure, and what was in force
stays."""
import spool
from harness import Test, eventually
from objects import make

with Test() as t:
	settings = spool.changes(t)
	old, new = settings["spool"]["key"], str(spool.make_key(t.work, "new.key"))

	def with_keys(*keys, port=1):
		return {"spool": {**settings["spool"], "key": list(keys)},
			"destinations.0.port": port}

	def store(count):
		modality = t.associate(gateway)
		for obj in (objects := [make("explicit", size=1000) for _ in range(count)]):
			assert modality.store(obj).status == 0
		modality.release()
		sent.extend(obj.data for obj in objects)

	sent = []
	gateway = t.gateway(1, settings)
	store(3)
	gateway.reload(with_keys(new, old))
	store(3)
	ids = {(t.work / "spool" / name).read_bytes()[16:32] for name in spool.names(t, "q")}
	assert len(ids) == 2, ids
	away = (t.work / "spool" / spool.names(t, "q")[0]).read_bytes()[16:32]

	pacs = t.pacs()
	gateway.reload(with_keys(new, port=pacs.port))
	eventually(lambda: pacs.stored.qsize() == 3)
	alert = gateway.wait_audit(event="alert", reason="spool-unavailable")
	assert f"has the id {away.hex()}" in alert["detail"], alert
	failed = lambda: gateway.audit(event="delivery", reason="spool-unavailable")
	eventually(lambda: len(failed()) >= 4)	# again and again, but not each object
	assert len(gateway.audit(event="alert", reason="spool-unavailable")) == 1
	gateway.reload(with_keys(new, old, port=pacs.port))
	eventually(lambda: pacs.stored.qsize() == 6)
	assert sorted(pacs.stored.get().data for _ in range(6)) == sorted(sent)

	(t.work / "new.key").chmod(0o444)
	gateway.reload(with_keys(new, port=pacs.port), outcome="refused")
	assert "chmod 0400" in gateway.log()
	(t.work / "new.key").chmod(0o400)
	(t.work / "new.key.pub").write_bytes((t.work / "spool.key.pub").read_bytes())
	gateway.reload(with_keys(new, port=pacs.port), outcome="refused")
	assert "don't belong together; write the public half anew with: openssl pkey" in gateway.log()
	store(1)
	assert pacs.stored.get(timeout=20).data == sent[-1]
