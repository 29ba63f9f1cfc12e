"""Goal: when little room is left for the audit log, what is refused is only counted, so that records
of what is stored go on; an alert and the status say so. With room again, refusals have lines again
and none was lost count of. The file system is asked once a second at most."""
import json
import time

import small_disk
from dicom import XA_CONTEXT, Rejection
from harness import Test, eventually, tool
from objects import DOSE_SR, EXPLICIT, Object, make, new_uid
from steps import can_trace, traced

STRANGERS, INSTANCES, GOOD = 60, 600, 40
RESERVE = 262144

small_disk.in_namespace()


def send_refused():
	"""Strangers with an AE title of their own each, and what the modality may not store."""
	for number in range(STRANGERS):
		answer = t.connect(gateway).request(calling=f"STRANGER{number}",
						    contexts=[XA_CONTEXT])
		assert isinstance(answer, Rejection)
	modality = t.associate(gateway)
	for number in range(INSTANCES):
		obj = Object(f"1.2.3.4.{number}", new_uid(), EXPLICIT, bytes(144))
		assert modality.store(obj).status == 0x0124
	modality.release()


def refused(event):
	"""How many have a line of their own, and how many all lines stand for."""
	lines = gateway.audit(event=event, outcome="refused")
	alone = sum("association" in line for line in lines)
	return alone, alone + sum(int(line["detail"].split(" more from ")[0])
				  for line in lines if "association" not in line)


def is_short_of_room():
	return json.loads(tool("status", "--json", "--socket", t.work / "control"))["audit"][
		"short_of_room"]


def store(modality):
	assert modality.store(make("explicit")).status == 0


with Test() as t:
	disk = small_disk.mount("4m")
	gateway = t.configured(t.pacs(), {
		"audit.file": str(disk / "audit.jsonl"), "audit.reserve_bytes": RESERVE,
		"modalities.0.sop_classes": ["XRayAngiographicImageStorage"],
		"control.socket": str(t.work / "control")})
	gateway.audit_file = disk / "audit.jsonl"
	gateway.start()
	modality = t.associate(gateway)
	store(modality)

	small_disk.fill(disk, RESERVE - 16384)

	def notices():
		store(modality)
		return gateway.audit(event="alert", reason="audit-reserve")

	eventually(notices)
	began = time.monotonic()
	if can_trace():
		with traced(gateway.helper("auditor"), "fstatfs", t.work / "trace"):
			send_refused()
			for _ in range(GOOD):
				store(modality)
		looked = (t.work / "trace").read_text().count("fstatfs(")
		assert looked <= time.monotonic() - began + 1, looked
	else:
		send_refused()
		for _ in range(GOOD):
			store(modality)
	assert refused("association")[0] == refused("instance")[0] == 0
	assert len(gateway.audit(event="alert", reason="audit-reserve")) == 1
	eventually(is_short_of_room)

	# There is room again.
	(disk / "filler").unlink()
	eventually(lambda: not is_short_of_room())
	send_refused()
	assert refused("association")[0] == STRANGERS
	assert gateway.stop() == 0
	assert refused("association")[1] == 2 * STRANGERS
	assert refused("instance")[1] == 2 * INSTANCES
	assert len(gateway.audit(event="alert", reason="audit-reserve")) == 1
	tool("audit", "verify", gateway.audit_file, "--key", t.pki / "audit.key.pub")
