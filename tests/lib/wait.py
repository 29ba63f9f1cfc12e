#!/usr/bin/env python3
"""Waiting for what a test started, without guessing how long it takes.

	wait.py free-port [COUNT]		ports nobody listens on just now
	wait.py listening PID PORT		until that process listens there
	wait.py ready SOCKET FIFO COMMAND...	runs COMMAND in this process's place, with
						NOTIFY_SOCKET; FIFO gets "ready" or "died"
"""
import os
import pathlib
import random
import select
import socket
import sys
import time

PATIENCE = 180	# seconds: what only a hang reaches
FIRST_PORT = 10240	# below, services have theirs


def bound_anywhere(port):
	"""A socket on all addresses with that port; None when somebody has it."""
	sock = socket.socket()
	try:
		sock.bind(("0.0.0.0", port))
	except OSError:
		sock.close()
		return None
	return sock


def free_ports(count):
	"""Each bound for a moment, and none that the kernel would give to a connection: floods
	of them take those by the thousand. Another test can still be quicker: whoever starts
	a server on it should be ready to try another."""
	last = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
	sockets = []
	while len(sockets) < count:
		if sock := bound_anywhere(random.randrange(FIRST_PORT, max(last, 2 * FIRST_PORT))):
			sockets.append(sock)
	ports = [s.getsockname()[1] for s in sockets]
	for s in sockets:
		s.close()
	return ports


def listens(pid, port):
	"""Whether the process, or a child of it, holds a socket that listens on the port:
	read from /proc, since to connect would be the first association."""
	inodes = set()
	for table in ("/proc/net/tcp", "/proc/net/tcp6"):
		if not os.path.exists(table):
			continue
		for line in pathlib.Path(table).read_text().splitlines()[1:]:
			fields = line.split()
			if fields[3] == "0A" and int(fields[1].split(":")[1], 16) == port:
				inodes.add(f"socket:[{fields[9]}]")
	try:
		links = [os.readlink(entry) for entry in os.scandir(f"/proc/{pid}/fd")]
	except FileNotFoundError:
		return None if not os.path.exists(f"/proc/{pid}") else False
	return bool(inodes & set(links))


def tries(seconds=PATIENCE):
	"""One after another for so long: ever less often, since what is waited for needs the
	processor, too."""
	deadline, pause = time.monotonic() + seconds, 0.01
	while time.monotonic() < deadline:
		yield
		time.sleep(pause)
		pause = min(pause * 1.25, 0.1)


def wait_listening(pid, port):
	for _ in tries():
		state = listens(pid, port)
		if state is not False:
			return state is True
	return False


def on_a_free_port(start):
	"""What start(port) has begun, and the port, once it listens there. Where another process
	was quicker, it is begun again on another port."""
	for _ in range(5):
		port, = free_ports(1)
		process = start(port)
		try:
			for _ in tries():
				if process.poll() is not None:
					break
				if listens(process.pid, port):
					return process, port
		except BaseException:
			process.kill()
			raise
		process.kill()
		process.wait()
	raise AssertionError("it did not start to listen")


def wait_ready(notify, pid):
	"""READY=1 on the notify socket, or False when the process ends before."""
	process = os.pidfd_open(pid)
	try:
		deadline = time.monotonic() + PATIENCE
		while (left := deadline - time.monotonic()) > 0:
			ready, _, _ = select.select([notify, process], [], [], left)
			if notify in ready:
				if b"READY=1" in notify.recv(4096).split(b"\n"):
					return True
			elif process in ready:
				return False
		return False
	finally:
		os.close(process)


def notify_socket(path):
	notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	notify.bind(path)
	return notify


def run_ready(path, fifo, command):
	"""The watcher is no child of the command's (it forks twice), so that the daemon
	reaps only what it started itself."""
	notify = notify_socket(path)
	pid = os.getpid()
	if os.fork() == 0:
		if os.fork() == 0:
			word = "ready" if wait_ready(notify, pid) else "died"
			pathlib.Path(fifo).write_text(word + "\n")
		os._exit(0)
	os.wait()
	os.environ["NOTIFY_SOCKET"] = path
	os.execvp(command[0], command)


def main():
	what, *rest = sys.argv[1:]
	if what == "free-port":
		print(*free_ports(int(rest[0]) if rest else 1))
	elif what == "listening":
		return 0 if wait_listening(int(rest[0]), int(rest[1])) else 1
	elif what == "ready":
		run_ready(rest[0], rest[1], rest[2:])
	return 0


if __name__ == "__main__":
	sys.exit(main())
