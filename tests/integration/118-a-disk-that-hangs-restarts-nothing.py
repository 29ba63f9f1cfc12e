"""Goal: while the audit log's disk doesn't answer at all, the watchdog is fed, for a restart
would mend nothing; STATUS= says so, and work goes on when the disk does."""
import re
import shutil
import subprocess
import threading

import dicom
import disk_image
from dicom import Aborted, Closed
from harness import Skip, Test
from objects import make

disk_image.in_namespace()


def send():
	try:
		answers.append(modality.store(make("explicit")).status)
	except (Aborted, Closed, OSError) as fault:
		answers.append(fault)


with Test() as t:
	if not shutil.which("fsfreeze"):
		raise Skip("there is no fsfreeze on this machine")
	disk_image.Disk("ext4", ["mkfs.ext4", "-q"], 16).mount()
	disk = disk_image.PLACE
	gateway = t.configured(t.pacs(), {"audit.file": str(disk / "audit.jsonl")})
	gateway.audit_file = disk / "audit.jsonl"
	gateway.start(environment={"WATCHDOG_USEC": "2000000"})
	modality, answers = t.associate(gateway), []
	auditor = gateway.helper("auditor")
	subprocess.run(["fsfreeze", "--freeze", disk], check=True)
	try:
		sender = threading.Thread(target=send, daemon=True)
		sender.start()
		# The watchdog is fed for longer than a hung gateway would be left alive.
		gateway.hears("the audit log's disk has not answered", *["WATCHDOG=1"] * 6)
		assert not answers, "acknowledged without a record"
	finally:
		subprocess.run(["fsfreeze", "--unfreeze", disk], check=True)
	sender.join(dicom.PATIENCE)
	assert answers == [0], answers
	alert = gateway.wait_audit(event="alert", reason="audit-unavailable")
	silent = re.search(r"disk did not answer for (\d+) s", alert["detail"])
	assert silent and int(silent[1]) >= 10, alert	# for it was named after that
	assert gateway.helper("auditor") == auditor, "the auditor is another one"
