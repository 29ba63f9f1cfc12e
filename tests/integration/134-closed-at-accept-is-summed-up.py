"""Goal: connections closed at accept are told of by address, each at once and then once a
minute, and their numbers add up to all that were closed; what is left is told at the
stop. All are closed for as long as no auditor is ready: the test holds the log's lock."""
import contextlib
import fcntl
import os
import re
import signal
import socket
import time

import dicom
from harness import Test, eventually
from objects import make

FLOOD, SOURCES = 200, ("127.0.0.7", "127.0.0.8")
ENDED = "the auditor ended"
CLOSED = re.compile(r"(\d+) connections? closed at accept, from (\S+)")


def connect(source):
	return socket.create_connection(("127.0.0.1", gateway.port), dicom.PATIENCE,
					source_address=(source, 0))


@contextlib.contextmanager
def no_auditor():
	"""The auditor is gone, and another can't have the log."""
	heard = gateway.log().count(ENDED)
	with open(gateway.folder / "audit.lock") as lock:
		os.kill(gateway.helper("auditor"), signal.SIGKILL)
		fcntl.flock(lock, fcntl.LOCK_EX)
		eventually(lambda: gateway.log().count(ENDED) > heard)
		yield
	store()


def flood():
	"""Returns when each has been turned away."""
	socks = [connect(source) for _ in range(FLOOD) for source in SOURCES]
	for sock in socks:
		try:
			assert sock.recv(1) == b""
		except ConnectionResetError:
			pass
		sock.close()


def store():
	"""When there is an auditor again."""
	def stored():
		try:
			modality = t.associate(gateway)
		except (OSError, dicom.Closed):
			return False
		assert modality.store(make("explicit")).status == 0
		modality.release()
		return True
	eventually(stored)


def told(source):
	return [int(match[1]) for line in gateway.audit(event="association", outcome="refused",
							reason="limit-associations")
		if (match := CLOSED.fullmatch(line["detail"])) and match[2] == source]


with Test() as t:
	gateway = t.gateway(t.pacs())
	began = time.monotonic()
	with no_auditor():
		flood()
	eventually(lambda: all(map(told, SOURCES)))
	with no_auditor():
		for _ in range(3):
			flood()
	assert gateway.stop() == 0
	minutes = (time.monotonic() - began) / 60
	for source in SOURCES:
		closed = told(source)
		assert sum(closed) == 4 * FLOOD, (source, closed)
		# at once, each minute, at the stop
		assert len(closed) <= 2 + minutes, (source, closed)
	lines = gateway.audit()
	assert lines[-1]["event"] == "checkpoint" and lines[-2]["event"] == "stop"
