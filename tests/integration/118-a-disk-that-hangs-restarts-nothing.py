"""Goal: while the audit log's disk doesn't answer at all, the watchdog is fed, for a restart
would mend nothing; STATUS= says so, and work goes on when the disk does."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading

import harness
from dicom import Aborted, Closed
from harness import SKIPPED, Test
from objects import make


def skip(why):
	print(f"skipped: {why}")
	sys.exit(SKIPPED)


if "CATHGATE_NAMESPACE" not in os.environ:	# a mount only this test can see
	os.environ["CATHGATE_NAMESPACE"] = "1"
	if not shutil.which("mkfs.ext4") or not shutil.which("fsfreeze"):
		skip("there is no mkfs.ext4 or fsfreeze on this machine")
	if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"]).returncode:
		skip("only root can freeze a disk")
	os.execvp("unshare", ["unshare", "-m", sys.executable, *sys.argv])


def send():
	try:
		answers.append(modality.store(make("explicit")).status)
	except (Aborted, Closed, OSError) as fault:
		answers.append(fault)


with Test() as t:
	image, disk = t.work / "disk", pathlib.Path("/mnt")
	with open(image, "wb") as file:
		file.truncate(16 << 20)
	if subprocess.run(["mkfs.ext4", "-q", image]).returncode or \
			subprocess.run(["mount", "-o", "loop", image, disk]).returncode:
		skip("this machine mounts no disk from a file")
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
	sender.join(harness.dicom.PATIENCE)
	assert answers == [0], answers
	alert = gateway.wait_audit(event="alert", reason="audit-unavailable")
	silent = re.search(r"disk did not answer for (\d+) s", alert["detail"])
	assert silent and int(silent[1]) >= 10, alert	# for it was named after that
	assert gateway.helper("auditor") == auditor, "the auditor is another one"
