"""Goal: a spooler that has been taken over and asks for couriers without end gets twice those of
the destination at most; an object that waits is delivered afterwards."""
import ctypes
import os
import pathlib
import signal
import socket

import spool
import steps
from harness import Skip, Test, eventually, roles
from objects import make

PIDFD_GETFD = 438
ASKED = 100


def channel_of(process, number):
	"""The process's own socket of that number, which both now have."""
	pidfd = os.pidfd_open(process)
	fd = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, pidfd, number, 0)
	os.close(pidfd)
	return socket.socket(fileno=fd)


def wish(supervisor):
	"""What the spooler has asked the supervisor for, which hasn't read it yet."""
	for link in pathlib.Path(f"/proc/{supervisor}/fd").iterdir():
		if not os.readlink(link).startswith("socket:"):
			continue
		with channel_of(supervisor, int(link.name)) as channel:
			try:
				said = channel.recv(4096, socket.MSG_PEEK | socket.MSG_DONTWAIT)
			except OSError:
				continue	# it listens, or was told nothing
		if said[4:9] == b"pacs\0":
			return said
	return None


with Test() as t:
	if not steps.can_trace() or os.geteuid() != 0:
		raise Skip("only root may speak in another process's place")
	pacs = t.pacs(spool.takes_and_says_nothing)
	gateway = t.gateway(pacs, {**spool.changes(t), "destinations.0.couriers": 3})
	modality = t.associate(gateway)
	os.kill(gateway.pid, signal.SIGSTOP)
	obj = make("explicit")
	assert modality.store(obj).status == 0	# the supervisor isn't needed for that
	asked = eventually(lambda: wish(gateway.pid))
	spooler = gateway.helper("spooler")
	gateway.is_attacked = True
	with channel_of(spooler, 3) as its_channel:
		os.kill(gateway.pid, signal.SIGCONT)
		for _ in range(ASKED):
			its_channel.send(asked)

	seen = []	# how many couriers there are; those without work leave after a while

	def look():
		seen.append(sum(role == "courier" for role in roles(gateway.pid).values()))
		return seen[-1] > 1	# one in order starts but one before it has reached the PACS

	eventually(look)
	gateway.reload()	# it has read what was asked
	look()
	assert max(seen) <= 6, seen
	pacs.script = pacs.behave
	gateway.replace("spooler")
	assert pacs.stored.get().data == obj.data
