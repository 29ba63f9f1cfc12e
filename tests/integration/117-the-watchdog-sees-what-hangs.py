"""Goal: the service manager's watchdog is fed while the auditor answers, also when the log's
disk is full, and no longer when it hangs; STATUS= says each time what is the matter."""
import os
import signal
import time

import small_disk
from dicom import Aborted, Closed
from harness import Test, eventually
from objects import make

small_disk.in_namespace()

WATCHDOG_US = 800000


def heard(seconds):
	"""What the gateway notifies in that time, as lines."""
	lines, end = [], time.monotonic() + seconds
	while (left := end - time.monotonic()) > 0:
		gateway.notify.settimeout(left)
		try:
			lines += gateway.notify.recv(4096).decode().split("\n")
		except TimeoutError:
			break
	return lines


def hears(*texts):
	"""Each, in that order. True, for an assertion to begin with."""
	lines = []

	def heard_all():
		lines.extend(heard(0.2))
		rest = iter(lines)
		return all(any(text in line for line in rest) for text in texts)
	return eventually(heard_all)


with Test() as t:
	disk = small_disk.mount("256k")
	gateway = t.configured(t.pacs(), {"audit.file": str(disk / "audit.jsonl")})
	gateway.audit_file = disk / "audit.jsonl"
	gateway.start(environment={"WATCHDOG_USEC": str(WATCHDOG_US)})
	assert hears("STATUS=Serving 0 associations")
	assert hears(*["WATCHDOG=1"] * 4)
	modality = t.associate(gateway)
	assert hears("STATUS=Serving 1 association;")

	auditor = gateway.helper("auditor")
	os.kill(auditor, signal.SIGSTOP)
	assert hears("STATUS=Nothing is acknowledged: the auditor has not answered")
	assert "WATCHDOG=1" not in heard(2 * WATCHDOG_US / 1e6)
	os.kill(auditor, signal.SIGCONT)
	assert hears("WATCHDOG=1")

	with open(disk / "filler", "wb", buffering=0) as filler:
		try:
			while True:
				filler.write(bytes(4096))
		except OSError:
			pass
	try:
		while modality.store(make("explicit")).status == 0:
			pass
	except (Aborted, Closed, OSError):
		pass
	assert hears("STATUS=Nothing is acknowledged: the audit log can't be written")
	assert hears("WATCHDOG=1")
	(disk / "filler").unlink()
	assert hears("STATUS=Serving")

	gateway.signal(signal.SIGHUP)
	assert hears("RELOADING=1", "MONOTONIC_USEC=", "READY=1")
	gateway.signal()
	assert hears("STOPPING=1")
