"""Goal: an association that is killed while the spooler has a question of it has broken no rule:
the log calls it no bug, and other associations store on."""
import os
import signal

import spool
import steps
from dicom import Aborted, Closed
from harness import Skip, Test
from objects import make

with Test() as t:
	if not steps.can_trace():
		raise Skip("this machine lets nobody trace")
	gateway = t.gateway(1, spool.changes(t))
	spooler, modality = gateway.helper("spooler"), t.associate(gateway)
	with steps.traced(gateway.associations()[0], "recvmsg", t.work / "calls",
			  "-e", "inject=recvmsg:signal=KILL"):	# for the answer
		os.kill(spooler, signal.SIGSTOP)
		try:
			modality.store(make("explicit"))
			raise AssertionError("it lives")
		except (Aborted, Closed, OSError):
			os.kill(spooler, signal.SIGCONT)
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0
	modality.release()
	assert gateway.helper("spooler") == spooler
