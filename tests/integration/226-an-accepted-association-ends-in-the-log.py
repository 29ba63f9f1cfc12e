"""Goal: an association whose acceptance reaches the audit log late, since the disk was full, has its
end there as well, although refusals are only counted for want of room."""
import small_disk
from dicom import XA_CONTEXT, Rejection
from harness import Test, eventually
from objects import make

small_disk.in_namespace()
with Test() as t:
	disk = small_disk.mount("4m")
	gateway = t.configured(t.pacs(), {"audit.file": str(disk / "audit.jsonl"),
					  "audit.reserve_bytes": 262144})
	gateway.audit_file = disk / "audit.jsonl"
	gateway.start()
	modality = t.associate(gateway)

	small_disk.fill(disk)
	eventually(lambda: modality.store(make("explicit", size=100)).status == 0xA700)
	gateway.wait_log("only counted")
	for _ in range(3):
		answer = t.connect(gateway).request(contexts=[XA_CONTEXT])
		assert isinstance(answer, Rejection), answer

	(disk / "filler").unlink()
	gateway.wait_audit(event="alert", reason="audit-unavailable")
	assert gateway.stop() == 0
	lines = [line for line in gateway.audit(event="association") if "association" in line]
	begun = [line["association"] for line in lines if line["outcome"] == "accepted"]
	ended = [line["association"] for line in lines if line["outcome"] != "accepted"]
	assert len(begun) == 4 and sorted(begun) == sorted(ended), lines
