"""Associations' processes that crash, as one does that an attacker has reached."""
import os
import signal

from harness import eventually, is_alive

# A sanitizer would make an orderly exit of SIGSEGV, and the sandbox of SIGSYS.
SIGNAL = signal.SIGILL if os.environ.get("CATHGATE_SANITIZE") else signal.SIGSEGV


def crash(pid):
	os.kill(pid, SIGNAL)
	eventually(lambda: not is_alive(pid))


def newest(gateway, before):
	"""The association's process that wasn't there before, once it is."""
	new, = eventually(lambda: set(gateway.associations()) - set(before))
	return new


def stop_after_crashes(gateway):
	"""It says of each crash that it is a bug, which the harness would not forgive."""
	status = gateway.stop()
	assert status == 0, f"the gateway ended with {status}"
	assert "Sanitizer" not in gateway.log()
	bugs = [line for line in gateway.log().splitlines() if ": bug: " in line]
	assert bugs and all("died of signal" in line for line in bugs), bugs
	gateway.process = None
