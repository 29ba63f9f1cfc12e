"""Goal: connections closed at accept are told of by address, each at once and then once a
minute, and their numbers add up to all that were closed; what is left is told at the
stop."""
import re
import socket
import time

import dicom
from harness import Skip, Test, eventually

FLOOD, SOURCES = 200, ("127.0.0.7", "127.0.0.8")
CLOSED = re.compile(r"(\d+) connections? closed at accept, from (\S+)")


def connect(source):
	return socket.create_connection(("127.0.0.1", gateway.port), dicom.PATIENCE,
					source_address=(source, 0))


def flood():
	"""Returns when each has been taken in or turned away, and is over."""
	socks = [connect(source) for _ in range(FLOOD) for source in SOURCES]
	for sock in socks:
		try:
			assert sock.recv(1) == b""
		except ConnectionResetError:
			pass
		sock.close()


def told(source):
	return [int(match[1]) for line in gateway.audit(event="association", outcome="refused",
							reason="limit-associations")
		if (match := CLOSED.fullmatch(line["detail"])) and match[2] == source]


def let_in(source):
	"""Connections that had a process: each has its line, or is counted in one."""
	total = 0
	for line in gateway.audit(event="association"):
		if "peer" not in line or not line["peer"].startswith(source + ":"):
			continue
		more = re.match(r"(\d+) more from ", line["detail"])
		if not CLOSED.fullmatch(line["detail"]):
			total += int(more[1]) if more else 1
	return total


def flood_and_hear():
	"""Whether it was told of both."""
	flood()
	try:
		eventually(lambda: all(map(told, SOURCES)), 3)
	except AssertionError:
		return False
	return True


with Test() as t:
	gateway = t.gateway(t.pacs(), {"limits.handshakes_per_address_per_minute": 10,
				       "limits.handshake_seconds": 1})
	began = time.monotonic()
	floods = 1
	while not flood_and_hear():
		floods += 1
		if time.monotonic() - began > 30:
			raise Skip("this machine makes too few connections at once")
	for _ in range(3):
		flood()
	assert gateway.stop() == 0
	minutes = (time.monotonic() - began) / 60
	for source in SOURCES:
		closed, inside = told(source), let_in(source)
		assert sum(closed) + inside == (floods + 3) * FLOOD, (source, closed, inside)
		# at once, each minute, at the stop
		assert len(closed) <= 2 + minutes, (source, closed)
	lines = gateway.audit()
	assert lines[-1]["event"] == "checkpoint" and lines[-2]["event"] == "stop"
