"""Goal: the supervisor sleeps while a file has changed that it can't read anew yet: as long as
no auditor would record it, and when it was told to stop and an association takes its time."""
import contextlib
import fcntl
import os
import signal

from dicom import PATIENCE, Aborted, Closed
from harness import Skip, Test, eventually
from steps import ENVIRONMENT, can_trace, traced

MOST = 300	# turns of its event loop: there is one a second, and one that never sleeps has thousands


def changes():
	"""A file that it watches is another one now."""
	(t.work / "next").write_bytes((t.pki / "modalities.crl").read_bytes())
	(t.work / "next").replace(crl)


@contextlib.contextmanager
def few_turns():
	log = t.work / "trace"
	with traced(gateway.pid, "poll", log):
		yield
	turns = log.read_text().count(" poll([")
	assert turns < MOST, f"it did not sleep: {turns} turns"
	print(f"{turns} turns")


def modality_is_let_in():
	"""And stays: it doesn't hang up when it is told that the gateway ends."""
	try:
		modalities.append(t.associate(gateway))
	except (Aborted, Closed, OSError):
		return False
	return True


with Test() as t:
	modalities = []
	if not can_trace():
		raise Skip("strace must not trace here")
	os.environ.update(ENVIRONMENT)	# no leak check, which a traced process can't
	crl = t.work / "live.crl"
	changes()
	gateway = t.gateway(t.pacs(), {"listen.0.tls.crl": str(crl)})

	auditor = gateway.helper("auditor")
	os.kill(auditor, signal.SIGKILL)
	with open(gateway.folder / "audit.lock", "rb") as lock:
		eventually(lambda: not fcntl.flock(lock, fcntl.LOCK_EX))
		with few_turns():
			changes()
			gateway.wait_log("has the audit log locked")
	eventually(lambda: gateway.helper("auditor") != auditor and modality_is_let_in())
	with few_turns():
		changes()
		gateway.signal()
		assert gateway.process.wait(PATIENCE) == 0
