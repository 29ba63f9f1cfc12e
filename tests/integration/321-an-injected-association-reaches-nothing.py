"""Goal: an association's process that does an attacker's will can neither read nor write a file,
open a connection nor signal another process, and its descriptors lead nowhere: the log stays
whole."""
import errno
import os
import signal
import socket

import inject as put
from harness import Skip, Test, eventually, tool
from objects import make

LOG = b"audit.jsonl"
WIDENED = bool(os.environ.get("CATHGATE_SANITIZE"))


def fresh(t, gateway):
	before = set(gateway.associations())
	association = t.associate(gateway)
	pid, = set(gateway.associations()) - before
	return association, pid


with Test() as t:
	if not put.can_inject():
		raise Skip("only root on x86-64 can put calls into a process")
	if WIDENED:
		raise Skip("sanitizers need files, and may open them")
	gateway = t.gateway(t.pacs(), {"destinations.0.host": "localhost"})
	gateway.is_attacked = True
	log = os.fsencode(gateway.audit_file) + b"\0"
	key = os.fsencode(t.pki / "gateway.key") + b"\0"
	auditor = gateway.helper("auditor")
	for call in ((put.OPENAT, -100, log, os.O_WRONLY | os.O_APPEND, 0),
		     (put.OPEN, log, os.O_RDONLY, 0), (put.OPENAT, -100, key, os.O_RDONLY, 0),
		     (put.UNLINKAT, -100, log, 0), (put.KILL, auditor, signal.SIGKILL),
		     (put.KILL, gateway.pid, signal.SIGHUP),
		     (put.SOCKET, 2, 1, 0), (put.CONNECT, 0, 0, 0),
		     (put.TGKILL, auditor, auditor, signal.SIGABRT)):
		_association, pid = fresh(t, gateway)
		assert put.inject(pid, *call) == ("died", signal.SIGSYS), call
		eventually(lambda: pid not in gateway.associations())
		gateway.reload()	# else the modality would be held back
	# Its own sockets of another family, or options that it never sets.
	association, pid = fresh(t, gateway)
	for call in ((54, 0, 1, 26, 0, 0),		# SO_ATTACH_FILTER
		     (72, 0, 4, 0),			# F_SETFL
		     (13, signal.SIGSYS, 0, 0, 8),	# rt_sigaction
		     (262, -100, log, 0, 0)):		# newfstatat
		assert put.inject(pid, *call) == ("answered", -errno.ENOSYS), call
	assert association.store(make("explicit")).status == 0
	# The auditor may change its folder, and nothing else.
	assert put.inject(auditor, put.OPENAT, -100, key, os.O_RDONLY, 0) == \
		("answered", -errno.EACCES)
	assert put.inject(auditor, put.OPENAT, -100, b"/etc/passwd\0", os.O_RDONLY, 0) == \
		("answered", -errno.EACCES)
	result, descriptor = put.inject(auditor, put.OPENAT, -100, log, os.O_RDONLY, 0)
	assert result == "answered" and descriptor > 2
	assert put.inject(auditor, put.CLOSE, descriptor) == ("answered", 0)
	assert gateway.helper("auditor") == auditor
	association.release()
	# Whoever reaches the spool's socket may drop objects.
	assert put.inject(gateway.helper("resolver"), put.SOCKET, socket.AF_UNIX,
			  socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC, 0) == ("died", signal.SIGSYS)
	assert gateway.stop() == 0
	tool("audit", "verify", gateway.audit_file)
