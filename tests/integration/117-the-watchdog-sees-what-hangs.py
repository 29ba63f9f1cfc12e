"""Goal: the service manager's watchdog is fed while the auditor answers, also when the log's
disk is full, and no longer when it hangs; STATUS= says each time what is the matter."""
import os
import signal
import time

import small_disk
from dicom import Aborted, Closed
from harness import Test
from objects import make

small_disk.in_namespace()

WATCHDOG_US = 800000


with Test() as t:
	disk = small_disk.mount("256k")
	gateway = t.configured(t.pacs(), {"audit.file": str(disk / "audit.jsonl")})
	gateway.audit_file = disk / "audit.jsonl"
	gateway.start(environment={"WATCHDOG_USEC": str(WATCHDOG_US)})
	gateway.hears("STATUS=Serving 0 associations")
	gateway.hears(*["WATCHDOG=1"] * 4)
	modality = t.associate(gateway)
	gateway.hears("STATUS=Serving 1 association;")

	auditor = gateway.helper("auditor")
	os.kill(auditor, signal.SIGSTOP)
	gateway.hears("STATUS=Nothing is acknowledged: the auditor has not answered")
	time.sleep(2 * WATCHDOG_US / 1e6)
	assert "WATCHDOG=1" not in gateway.notified[gateway.heard:]
	os.kill(auditor, signal.SIGCONT)
	gateway.hears("WATCHDOG=1")

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
	gateway.hears("STATUS=Nothing is acknowledged: the audit log can't be written")
	gateway.hears("WATCHDOG=1")
	(disk / "filler").unlink()
	gateway.hears("STATUS=Serving")

	gateway.signal(signal.SIGHUP)
	gateway.hears("RELOADING=1", "MONOTONIC_USEC=", "READY=1")
	gateway.signal()
	gateway.hears("STOPPING=1")
