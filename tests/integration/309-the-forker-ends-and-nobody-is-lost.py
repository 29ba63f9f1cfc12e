"""Goal: while there is no forker connections wait, and the next one serves them; one that
doesn't answer is replaced. Once an hour another takes its place. At a stop nothing of it is left."""
import os
import signal

from clock import MODULE, Clock
from dicom import Aborted, Closed
from harness import Test, child, eventually, is_alive
from objects import make

TIMES = 20


def stores():
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0
	modality.release()
	return True


def stores_now():
	try:
		return stores()
	except (Aborted, Closed, OSError):
		return False


with Test() as t:
	gateway = t.gateway(t.pacs())
	bystander = t.associate(gateway)
	for _ in range(TIMES):
		forker = gateway.helper("forker")
		os.kill(forker, signal.SIGKILL)
		stores()
		assert gateway.helper("forker") != forker
	assert not gateway.audit(event="association", outcome="refused")
	assert gateway.log().count("the forker ended (signal 9)") == TIMES

	hung = gateway.helper("forker")
	os.kill(hung, signal.SIGSTOP)
	assert not stores_now(), "the one connection that it had in hand"
	gateway.wait_log("the forker does not answer")
	stores()
	assert not is_alive(hung)
	eventually(lambda: gateway.audit(event="association", outcome="refused"))
	assert bystander.store(make("explicit")).status == 0
	bystander.release()
	forker = gateway.helper("forker")
	assert gateway.stop() == 0 and not is_alive(forker)

	if os.path.exists(MODULE) and not os.environ.get("CATHGATE_SANITIZE"):
		gateway = t.configured(t.pacs())
		clock = Clock(t.work / "clock")
		gateway.start(environment=clock.environment)
		bystander, before = t.associate(gateway), gateway.helper("forker")
		clock.passes(3590)
		stores()
		assert gateway.helper("forker") == before
		clock.passes(20)
		eventually(lambda: child(gateway.pid, "forker") not in (None, before))
		stores()
		assert bystander.store(make("explicit")).status == 0
		bystander.release()
