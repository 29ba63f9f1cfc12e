"""Goal: with the audit log's disk full nothing is acknowledged; when there is room again,
work goes on and the log has no gap and no torn line."""
import small_disk
from dicom import XA_CONTEXT, Aborted, Closed, Request
from harness import Test, eventually
from objects import make

small_disk.in_namespace()


def try_store(obj):
	"""The status, or None when it came to no answer."""
	try:
		association = t.connect(gateway)
		if not isinstance(association.request(contexts=[XA_CONTEXT]), Request):
			return None
		return association.store(obj).status
	except (Aborted, Closed, OSError):
		return None


with Test() as t:
	disk = small_disk.mount("256k")
	gateway = t.configured(t.pacs(), {"audit.file": str(disk / "audit.jsonl")})
	gateway.audit_file = disk / "audit.jsonl"
	gateway.start()
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0

	small_disk.fill(disk)
	unheard = []
	for _ in range(12):	# a line or two may still fit into the file's last page
		obj = make("explicit")
		try:
			status = modality.store(obj).status
		except (Aborted, Closed, OSError):
			break
		if status:
			assert status & 0xFF00 == 0xA700, f"{status:04X}"
			unheard.append(obj)
			break
	else:
		raise AssertionError("acknowledged without room for a record")
	assert try_store(make("explicit")) != 0

	(disk / "filler").unlink()
	obj = make("explicit")
	assert eventually(lambda: try_store(obj) == 0), "work goes on"
	numbers = [line["seq"] for line in gateway.audit()]
	assert numbers == list(range(len(numbers))), numbers
	for lost in unheard:
		assert gateway.audit(sop_instance=lost.sop_instance), "its line comes late"
