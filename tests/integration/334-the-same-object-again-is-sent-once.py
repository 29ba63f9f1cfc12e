"""Goal: an object that is in the spool, or was delivered lately, and comes again with the
same bytes is acknowledged, recorded and sent once, also after a restart; resend = "forward"
sends it again. Other bytes under the same SOP instance are sent behind the first, with an
alert, or held and refused with A900, as on_conflict says."""
import dataclasses

import spool
from harness import Test, eventually
from objects import make

with Test() as t:
	pacs = t.pacs()

	def gateway_with(**more):
		settings = spool.changes(t, **more)
		settings["spool"]["directory"] = str(t.work / f"spool-{len(t.gateways)}")
		gateway = t.gateway(pacs, settings)
		return gateway

	def send(gateway, *objects):
		modality = t.associate(gateway)
		heard = [modality.store(obj).status for obj in objects]
		modality.release()
		return heard

	def delivered(gateway, count):
		eventually(lambda: len(gateway.audit(event="delivery", outcome="forwarded")) == count)
		got = []
		while len(got) < count - taken[0]:
			got.append(pacs.stored.get().data)
		taken[0] = count
		assert pacs.stored.empty()
		return got

	taken = [0]
	first = make("explicit", size=70000)
	changed = dataclasses.replace(first, data=first.data[:-2] + b"\x07\x07")

	gateway = gateway_with()
	assert send(gateway, first, first) == [0, 0]
	assert delivered(gateway, 1) == [first.data]
	assert send(gateway, first) == [0]
	gateway.stop()
	gateway.start()
	assert send(gateway, first) == [0]
	spooled = gateway.audit(event="instance", outcome="spooled")
	assert len(spooled) == 4
	assert ["came before" in line["detail"] for line in spooled] == [False, True, True, True]
	assert delivered(gateway, 1) == []

	assert send(gateway, changed) == [0]
	assert delivered(gateway, 2) == [changed.data]
	assert len(gateway.wait_audit(event="alert", reason="spool-conflict")) > 0
	gateway.stop()

	gateway, taken[0] = gateway_with(on_conflict="quarantine"), 0
	assert send(gateway, first, changed) == [0, 0xA900]
	assert delivered(gateway, 1) == [first.data]
	line = gateway.audit(event="instance")[-1]
	assert (line["outcome"], line["reason"], line["status"]) == \
		("failed", "spool-conflict", "A900"), line
	folder = t.work / "spool-1"
	eventually(lambda: sorted(name[-1] for name in map(str, folder.iterdir())
				  if name[-2] == ".") == ["d", "h"])
	gateway.stop()

	gateway, taken[0] = gateway_with(resend="forward"), 0
	assert send(gateway, first, first) == [0, 0]
	assert delivered(gateway, 2) == [first.data] * 2
	gateway.stop()

	gateway, taken[0] = gateway_with(duplicate_hours=0), 0
	assert send(gateway, first) == [0]
	delivered(gateway, 1)
	assert send(gateway, first) == [0]
	assert delivered(gateway, 2) == [first.data]
