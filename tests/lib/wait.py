#!/usr/bin/env python3
"""Waiting for what a test started, without guessing how long it takes.

	wait.py free-port [COUNT]		ports nobody listens on just now
	wait.py listening PID PORT		until that process listens there
	wait.py ready SOCKET FIFO COMMAND...	runs COMMAND in this process's place, with
						NOTIFY_SOCKET; FIFO gets "ready" or "died"
"""
import os
import pathlib
import select
import socket
import sys
import time

PATIENCE = 20	# seconds


def free_ports(count):
	"""Each bound for a moment. Another process can still be quicker: whoever starts a
	server on it must be ready to try another."""
	sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
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


def wait_listening(pid, port):
	deadline = time.monotonic() + PATIENCE
	while time.monotonic() < deadline:
		state = listens(pid, port)
		if state is not False:
			return state is True
		time.sleep(0.01)
	return False


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
