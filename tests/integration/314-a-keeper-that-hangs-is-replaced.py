"""Goal: a keeper that hangs is noticed, ended and replaced, and neither the supervisor nor an open
association waits for it meanwhile."""
import os
import signal

from harness import Test, child, eventually, is_alive, roles
from objects import make

with Test() as t:
	gateway = t.gateway(t.pacs())
	modality = t.associate(gateway)
	keeper = gateway.helper("keeper")
	os.kill(keeper, signal.SIGSTOP)
	# A reload is another keeper's work.
	gateway.reload({"modalities.0.ae_titles": ["CATHLAB3", "OTHER"]})
	os.kill(keeper, signal.SIGKILL)
	eventually(lambda: list(roles(gateway.pid).values()).count("keeper") == 1)
	keeper = gateway.helper("keeper")
	os.kill(keeper, signal.SIGSTOP)
	assert modality.store(make("explicit")).status == 0
	gateway.wait_log("doesn't answer: it is ended")
	eventually(lambda: not is_alive(keeper))
	t.associate(gateway).release()
	assert child(gateway.pid, "keeper") != keeper
	modality.release()
