"""Goal: a spool over max_bytes, or on a disk without room, refuses associations transiently
and objects with A7xx, leaves nothing behind, and goes on by itself once there is room. One
that drains while objects come raises one alert. In "fallback" it stops no object that the PACS
takes."""
import os
import threading

import dicom
import small_disk
import spool
from dicom import Rejection, XA_CONTEXT
from harness import Test, eventually
from objects import make

small_disk.in_namespace()
with Test() as t:
	disk = small_disk.mount("6m")
	folder = disk / "spool"

	def gateway_with(pacs, mode="always", **more):
		settings = spool.changes(t, mode, **more)
		settings["spool"]["directory"] = str(folder)
		return t.gateway(pacs, settings), settings

	# the disk fills up within an object
	gateway, _ = gateway_with(1)
	modality = t.associate(gateway)
	small, large = make("explicit", size=1 << 20), make("explicit", size=8 << 20)
	assert modality.store(small).status == 0
	free = os.statvfs(disk).f_bfree
	assert modality.store(large).status == 0xA700
	line = gateway.wait_audit(event="instance", sop_instance=large.sop_instance)
	assert (line["outcome"], line["reason"]) == ("failed", "spool-full"), line
	eventually(lambda: os.statvfs(disk).f_bfree >= free - 8)
	assert modality.store(make("explicit", size=1000)).status == 0
	modality.release()
	gateway.stop()
	for name in os.listdir(folder):
		(folder / name).unlink()

	# over max_bytes: before any data
	pacs = t.pacs()
	gateway, settings = gateway_with(1, max_bytes=1 << 20)
	modality = t.associate(gateway)
	assert modality.store(make("explicit", size=1 << 20)).status == 0
	assert modality.store(make("explicit", size=100)).status == 0xA700
	refused = t.connect(gateway)
	answer = refused.request(contexts=[XA_CONTEXT])
	assert isinstance(answer, Rejection) and answer.result == 2, answer
	assert gateway.wait_audit(event="association", outcome="refused")["reason"] == "spool-full"
	assert gateway.wait_audit(event="alert")["reason"] == "spool-full"
	gateway.reload({**settings, "destinations.0.port": pacs.port})
	pacs.stored.get()
	eventually(lambda: modality.store(make("explicit", size=100)).status == 0)
	modality.release()
	gateway.stop()
	for name in os.listdir(folder):
		(folder / name).unlink()

	# it drains while objects come: one that leaves doesn't let the next in
	may_answer = threading.Semaphore(0)

	def serve(association):
		association.accept()
		while (message := association.receive()) is not None:
			may_answer.acquire()
			association.respond(message)
		association.send(dicom.release_pdu(dicom.RELEASE_RP))

	def store():
		return modality.store(make("explicit", size=30000)).status

	def forwarded():
		return len(gateway.audit(event="delivery", outcome="forwarded"))

	pacs = t.pacs(serve)
	gateway, settings = gateway_with(1, max_bytes=1 << 20)
	modality = t.associate(gateway)
	while (status := store()) == 0:
		pass
	spool.reload(gateway, {**settings, "destinations.0.port": pacs.port,
			       "destinations.0.couriers": 1})
	for number in range(1, 9):
		assert status == 0xA700
		may_answer.release()
		eventually(lambda: forwarded() == 3 * number - 2)
		assert store() == 0xA700
		may_answer.release(2)
		eventually(lambda: store() == 0)
		while (status := store()) == 0:
			pass
	# the reload has started another spooler, which told of it as well
	assert len(gateway.audit(event="alert", reason="spool-full")) == 2
	may_answer.release(1000)
	eventually(lambda: not [name for name in os.listdir(folder) if name.endswith(".q")])
	modality.release()
	gateway.stop()

	# fallback: the PACS takes what the spool can't
	gateway, _ = gateway_with(pacs, "fallback", max_bytes=1 << 20)
	for name in os.listdir(folder):
		(folder / name).unlink()
	small_disk.fill(disk)
	modality = t.associate(gateway)
	for size in (100, 4 << 20):
		assert modality.store(make("explicit", size=size)).status == 0
	modality.release()
	assert {line["outcome"] for line in gateway.audit(event="instance")} == {"forwarded"}
