"""Goal: a spooler that is silent for longer than an association waits for it costs that
association's instances their place in the spool meanwhile, and no longer: as soon as it
answers again, so do they."""
import os
import signal

import spool
from harness import Test
from objects import make

with Test() as t:
	gateway = t.gateway(1, spool.changes(t))
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0
	spooler = gateway.helper("spooler")
	os.kill(spooler, signal.SIGSTOP)
	assert modality.store(make("explicit")).status == 0xA700
	os.kill(spooler, signal.SIGCONT)
	assert modality.store(make("explicit")).status == 0
	modality.release()
	assert gateway.helper("spooler") == spooler
