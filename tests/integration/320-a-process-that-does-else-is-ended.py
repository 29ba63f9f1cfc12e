"""Goal: root makes live processes of each role call what only an attack calls: each dies at once,
the log, the audit log and an alert say which call it was, another takes its place, and the
association beside it goes on storing. What is unknown answers ENOSYS, and is logged once."""
import errno
import os
import re
import signal
import subprocess

import inject as put
import spool
from harness import DENIED, Skip, Test, child, eventually
from objects import make

# The name of each, as the log has it, and what an attacker would pass.
ATTACKS = {
	"execve": (put.EXECVE, b"/bin/sh\0", 0, 0),
	"openat": (put.OPENAT, -100, b"/etc/passwd\0", 0, 0),
	"ptrace": (put.PTRACE, 16, 1, 0, 0),
	"process_vm_readv": (put.PROCESS_VM_READV, 1, 0, 0, 0, 0, 0),
	"kill": (put.KILL, 1, signal.SIGTERM),
	"tgkill": (put.TGKILL, 1, 1, signal.SIGABRT),
	"fork": (put.FORK,),
	"io_uring_setup": (put.IO_URING_SETUP, 8, 0),
	"mmap": (put.MMAP, 0, 4096, 7, 0x22, -1, 0),
	"mprotect": (put.MPROTECT, 0, 4096, 5),
	"sendto": (put.SENDTO, 0, 0, 0, 0x20000000, 0, 0),	# MSG_FASTOPEN
	"socket": (put.SOCKET, 2, 1, 0),
	"connect": (put.CONNECT, 0, 0, 0),
	"unlinkat": (put.UNLINKAT, -100, b"/tmp/x\0", 0),
	"mount": (put.MOUNT, 0, 0, 0, 0, 0),
	"prctl": (put.PRCTL, 4, 1, 0, 0, 0),
}
# Of each role some, since another process of it comes only after a while.
OF_HELPERS = {
	"courier": ["execve", "openat"],
	"spooler": ["execve", "socket"],
	"spool-keeper": ["openat", "ptrace"],
	"auditor": ["execve", "ptrace", "mmap"],
	"exporter": ["process_vm_readv", "kill"],
	"observer": ["io_uring_setup"],
	"resolver": ["execve", "mount"],
	"alerter": ["ptrace"],
	"dialler": ["openat", "kill"],
	"forker": ["execve", "socket"],
	"keeper": ["openat", "socket"],
}
CALLED = {"courier": "the process of courier [0-9a-f]{16}"}
NEEDED_BY_SANITIZERS = {"execve", "openat", "ptrace", "kill", "fork", "prctl"}
WIDENED = bool(os.environ.get("CATHGATE_SANITIZE"))


def names(calls):
	return [name for name in calls if not (WIDENED and name in NEEDED_BY_SANITIZERS)]


def attack(gateway, pid, who, call):
	"""It dies, and everybody says of what."""
	before = len(gateway.audit(event="alert"))
	assert put.inject(pid, *ATTACKS[call]) == ("died", signal.SIGSYS), call
	line = gateway.wait_audit_beyond(before, event="alert")
	assert line["reason"] == "internal" and line["outcome"] == "raised", line
	said = f"{who} was ended: it called {call}, which its sandbox forbids"
	assert re.fullmatch(said, line["detail"]), line
	gateway.wait_log(f"bug: {line['detail']}")
	assert f"called {call}, which only an attack does: its process ends" in gateway.log(), call


def store(association):
	assert association.store(make("explicit")).status == 0


def attack_associations(t, gateway, bystander):
	for call in names(ATTACKS):
		known = {line["association"] for line in gateway.audit(event="association")}
		before = set(gateway.associations())
		victim = t.associate(gateway)
		store(victim)
		line = next(line for line in gateway.audit(event="association", outcome="accepted")
			    if line["association"] not in known)
		pid, = set(gateway.associations()) - before
		attack(gateway, pid, f"the process of association {line['association']}", call)
		line = gateway.wait_audit(event="association", outcome="aborted",
					  association=line["association"])
		assert line["reason"] == "internal", line
		assert line["detail"] == \
			f"its process was ended: it called {call}, which its sandbox forbids", line
		assert line["modality"] == "angio", line
		gateway.reload()	# else the modality would be held back
		store(bystander)


def filters(pid):
	"""How many the process has: the supervisor's, and its own once it is in its sandbox."""
	with open(f"/proc/{pid}/status", encoding="ascii") as status:
		return int(status.read().partition("Seccomp_filters:")[2].split()[0])


def successor(gateway, role, before):
	"""The next one, as soon as it is in its sandbox."""
	pid = child(gateway.pid, role)
	return pid not in (None, before) and filters(pid) > filters(gateway.pid)


def attack_helpers(gateway, bystander):
	for role, calls in OF_HELPERS.items():
		for call in names(calls):
			pid = gateway.helper(role)
			attack(gateway, pid, CALLED.get(role, f"the {role}"), call)
			eventually(lambda: successor(gateway, role, pid))
			# without an auditor nothing is acknowledged: it waits for the next
			store(bystander)


def has_32_bit_door():
	"""Whether this kernel answers int 0x80 at all."""
	with subprocess.Popen(["sleep", "1000"]) as sleeper:
		eventually(lambda: put.is_asleep(sleeper.pid))
		answered = put.inject(sleeper.pid, 20, entry="int80")[0] == "answered"
		sleeper.kill()
	return answered


def other_entries(t, gateway):
	"""By the 32-bit door, and x32's: nobody is told a name."""
	for number, entry in ((20, "int80"), (39 | put.X32, "syscall")):
		if entry == "int80" and not has_32_bit_door():
			continue
		before = set(gateway.associations())
		_victim = t.associate(gateway)
		pid, = set(gateway.associations()) - before
		alerts = len(gateway.audit(event="alert"))
		assert put.inject(pid, number, entry=entry) == ("died", signal.SIGSYS), entry
		line = gateway.wait_audit_beyond(alerts, event="alert")
		assert "nobody could name (of another architecture" in line["detail"], line
		gateway.reload()


def unknown(gateway, bystander):
	association, = gateway.associations()
	roles = {"association": association, "auditor": gateway.helper("auditor"),
		 "exporter": gateway.helper("exporter"), "observer": gateway.helper("observer")}
	for role, pid in roles.items():
		for _ in range(3):
			assert put.inject(pid, put.PROCESS_MADVISE, 0, 0, 0, 0, 0) == \
				("answered", -errno.ENOSYS), role
		said = f"{DENIED}the {role} called system call 440, "
		gateway.wait_log(said)
		assert gateway.log().count(said) == 1, role
	store(bystander)


def abort(t, gateway):
	"""abort() is no attack, but it is told of."""
	before, alerts = set(gateway.associations()), len(gateway.audit(event="alert"))
	_victim = t.associate(gateway)
	pid, = set(gateway.associations()) - before
	assert put.inject(pid, put.TGKILL, pid, pid, signal.SIGABRT) == ("died", signal.SIGABRT)
	gateway.wait_audit(event="association", outcome="aborted", detail="its process aborted itself")
	assert len(gateway.audit(event="alert")) == alerts


with Test() as t:
	if not put.can_inject():
		raise Skip("only root on x86-64 can put calls into a process")
	control = t.work / "control"
	command = t.work / "ring"
	command.write_text("#!/bin/sh\nexec cat >/dev/null\n")
	command.chmod(0o755)
	pacs = t.pacs(spool.takes_and_says_nothing)
	gateway = t.gateway(pacs, spool.changes(t) | {
		"control.socket": str(control), "alerts.command": [str(command)],
		"audit.messages": str(t.work / "messages"), "destinations.0.host": "localhost"})
	gateway.is_attacked = True
	bystander = t.associate(gateway)
	store(bystander)	# else there is no courier
	for pid in [gateway.pid, *map(gateway.helper, OF_HELPERS), *gateway.associations()]:
		with open(f"/proc/{pid}/status", encoding="ascii") as status:
			assert "Seccomp:\t2" in (text := status.read()) and "NoNewPrivs:\t1" in text, pid
	unknown(gateway, bystander)
	attack_associations(t, gateway, bystander)
	other_entries(t, gateway)
	abort(t, gateway)
	attack_helpers(gateway, bystander)
	bystander.release()
	if not WIDENED:
		assert put.inject(gateway.pid, *ATTACKS["ptrace"]) == ("died", signal.SIGSYS)
		gateway.wait_log(f"{DENIED}the supervisor called ptrace, which only an attack does")
