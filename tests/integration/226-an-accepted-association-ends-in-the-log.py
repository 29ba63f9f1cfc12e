"""Goal: an association whose acceptance reaches the audit log late, since the disk was full, has its
end there as well, although refusals are only counted for want of room."""
import os
import pathlib
import subprocess
import sys

from dicom import XA_CONTEXT, Rejection
from harness import SKIPPED, Test, eventually
from objects import make

if "CATHGATE_NAMESPACE" not in os.environ:	# a mount only this test can see
	for options in (["-m"], ["-rm"]):
		if subprocess.run(["unshare", *options, "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
				  stderr=subprocess.DEVNULL).returncode == 0:
			os.environ["CATHGATE_NAMESPACE"] = "1"
			os.execvp("unshare", ["unshare", *options, sys.executable, *sys.argv])
	print("skipped: this machine lets nobody mount a small disk")
	sys.exit(SKIPPED)


def fill(path):
	"""All that is left, to the last byte of the last page."""
	with open(path, "wb", buffering=0) as filler:
		try:
			while True:
				filler.write(bytes(4096))
		except OSError:
			pass


with Test() as t:
	disk = pathlib.Path("/mnt")	# of this test's own mount namespace
	subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], check=True)
	gateway = t.configured(t.pacs(), {"audit.file": str(disk / "audit.jsonl"),
					  "audit.reserve_bytes": 262144})
	gateway.audit_file = disk / "audit.jsonl"
	gateway.start()
	modality = t.associate(gateway)

	fill(disk / "filler")
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
