"""Goal: a new key comes into force by a reload while objects wait under the old one: both are
delivered. With the old key taken away too early they wait, told of once, and go once it is back. An
object is delivered, and known when it comes again, also where its destination and its entry were
out of the configuration while the key was changed. A key that doesn't fit, or that others can
read, is refused with its cure, and what was in force
stays."""
import spool
import spool_opener
from harness import Test, eventually
from objects import make

with Test() as t:
	settings = spool.changes(t)
	old, new = settings["spool"]["key"], str(spool.make_key(t.work, "new.key"))

	def with_keys(*keys, port=1):
		return {"spool": {**settings["spool"], "key": list(keys)},
			"destinations.0.port": port}

	def send(*objects):
		modality = t.associate(gateway)
		for obj in objects:
			assert modality.store(obj).status == 0
		modality.release()
		sent.extend(obj.data for obj in objects)

	def store(count):
		send(*(make("explicit", size=1000) for _ in range(count)))

	sent = []
	gateway = t.gateway(1, settings)
	store(3)
	spool.reload(gateway, with_keys(new, old))
	store(3)
	ids = {(t.work / "spool" / name).read_bytes()[16:32] for name in spool.names(t, "q")}
	assert len(ids) == 2, ids
	away = (t.work / "spool" / spool.names(t, "q")[0]).read_bytes()[16:32]

	pacs = t.pacs()
	spool.reload(gateway, with_keys(new, port=pacs.port))
	eventually(lambda: pacs.stored.qsize() == 3)
	alerts = lambda: [line for line in gateway.audit(event="alert", reason="spool-unavailable")
			  if f"has the id {away.hex()}" in line["detail"]]
	eventually(alerts)
	failed = lambda: gateway.audit(event="delivery", reason="spool-unavailable")
	eventually(lambda: len(failed()) >= 4)	# again and again, but not each object
	assert len(alerts()) == 1
	spool.reload(gateway, with_keys(new, old, port=pacs.port))
	eventually(lambda: pacs.stored.qsize() == 6)
	assert sorted(pacs.stored.get().data for _ in range(6)) == sorted(sent)

	(t.work / "new.key").chmod(0o444)
	gateway.reload(with_keys(new, port=pacs.port), outcome="refused")
	assert "chmod 0400" in gateway.log()
	(t.work / "new.key").chmod(0o400)
	public = (t.work / "new.key.pub").read_bytes()
	(t.work / "new.key.pub").write_bytes((t.work / "spool.key.pub").read_bytes())
	gateway.reload(with_keys(new, port=pacs.port), outcome="refused")
	assert "don't belong together; write the public half anew with: cathgate spool keygen --public" in gateway.log()
	store(1)
	assert pacs.stored.get().data == sent[-1]

	(t.work / "new.key.pub").write_bytes(public)

	# destination and entry go while an object waits, the key is changed, and they are back
	third = str(spool.make_key(t.work, "third.key"))
	away = {"destinations.0.name": "archive", "modalities.0.name": "other",
		"modalities.0.destination": "archive"}
	obj = make("explicit", size=1000)
	spool.reload(gateway, with_keys(new))
	send(obj)
	spool.reload(gateway, {**with_keys(new), **away})
	before = spool.names(t, "q")
	spool.reload(gateway, {**with_keys(third, new), **away})
	gateway.wait_log("does not name any more, or whose names' key")
	eventually(lambda: spool.names(t, "q") != before)
	assert spool_opener.read_name(third, spool.names(t, "q")[0])["state"] == "queued"
	spool.reload(gateway, with_keys(third, new))
	send(obj)
	assert len(spool.names(t, "q")) == 1
	gateway.reload(with_keys(third, new, port=pacs.port))
	assert pacs.stored.get().data == obj.data

	# an association goes on with the key that it began with, as long as that opens anything
	spool.reload(gateway, with_keys(third, port=pacs.port))
	modality = t.associate(gateway)
	assert modality.store(make("explicit", size=1000)).status == 0
	spool.reload(gateway, with_keys(new, third, port=pacs.port))
	assert modality.store(make("explicit", size=1000)).status == 0
	spool.wait_delivered(t)
	spool.reload(gateway, with_keys(new, port=pacs.port))
	assert modality.store(make("explicit", size=1000)).status == 0xA700
	modality.release()
	obj = make("explicit", size=1000)
	send(obj)
	eventually(lambda: obj.data in [message.data for message in list(pacs.stored.queue)])
	spool.wait_delivered(t)
