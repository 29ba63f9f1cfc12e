"""Goal: in a live process of each role each system call, from 0 to beyond the last one that there
is, with edge arguments, is kept from the kernel where the table of the sandboxes doesn't grant it.
Nobody is harmed: the processes go on, and the association beside them stores. x32's entry ends
the process."""
import errno
import os
import signal

import inject as put
import spool
from calls import ENDS, LAST_NUMBER, Table, numbers
from harness import Skip, Test, child, eventually
from objects import make

EDGES = ([0] * 6, [-1] * 6, [1 << 32] * 6, [0x7FFFFFFF] * 6, [1] * 6)
FORBIDDEN, ABSENT = ("trapped", signal.SIGSYS), ("answered", -errno.ENOSYS)
# uretprobe and uprobe: the kernel itself ends whoever calls them elsewhere than in its probes,
# before any filter is asked (from Linux 6.13 on).
UNFILTERED = (335, 336)
UNJUDGED = {("resolver", "clone")}	# CLONE_THREAD is among the bits
HELPERS = ("auditor", "keeper", "resolver", "dialler", "forker", "exporter", "observer", "alerter",
	   "spooler", "spool-keeper", "courier")
TABLE = {"spool-keeper": "keeper"}	# whose rows it has


def expected(role, name):
	"""By what isn't to reach the kernel; None for what may."""
	if name in table.granted[role] or name == ENDS:
		return None
	if name in table.absent[role]:
		return ABSENT
	return FORBIDDEN if table.is_listed(role) or name in table.deadly else None


def edges(role, name):
	"""Where arguments decide, those that no row's condition lets through: all bits are set."""
	return EDGES[1:2] if name in table.judged[role] else EDGES


def sweep(role, pid):
	"""How many calls were tried."""
	count = 0
	with put.Tracee(pid) as tracee:
		for number in range(LAST_NUMBER + 1):
			name = names.get(number)
			if number in UNFILTERED or (name is None and not table.is_listed(role)):
				continue
			wanted = expected(role, name)
			if wanted is None or (role, name) in UNJUDGED:
				continue
			for arguments in edges(role, name):
				got = tracee.call(number, arguments, spare=True)
				assert got == wanted, (role, number, name, arguments, got)
				count += 1
	return count


with Test() as t:
	if not put.can_inject():
		raise Skip("only root on x86-64 can put calls into a process")
	if os.environ.get("CATHGATE_SANITIZE"):
		raise Skip("sanitizers need more calls")
	table, names = Table(), numbers()
	command = t.work / "ring"
	command.write_text("#!/bin/sh\nexec cat >/dev/null\n")
	command.chmod(0o755)
	pacs = t.pacs(spool.takes_and_says_nothing)
	gateway = t.gateway(pacs, spool.changes(t) | {
		"alerts.command": [str(command)], "control.socket": str(t.work / "control"),
		"audit.messages": str(t.work / "messages"), "destinations.0.host": "localhost"})
	bystander = t.associate(gateway)
	assert bystander.store(make("explicit")).status == 0
	association, = gateway.associations()
	before = {role: gateway.helper(role) for role in HELPERS}
	for role, pid in {"supervisor": gateway.pid, "association": association, **before}.items():
		print(f"{role}: {sweep(TABLE.get(role, role), pid)} calls kept from the kernel")
	assert {role: gateway.helper(role) for role in HELPERS} == before
	assert bystander.store(make("explicit")).status == 0
	gateway.is_attacked = True
	for role, pid in before.items():	# x32's getpid; with others unit/sandbox tries it
		assert put.inject(pid, 39 | put.X32) == ("died", signal.SIGSYS), role
		eventually(lambda: child(gateway.pid, role) not in (None, pid))
	assert bystander.store(make("explicit")).status == 0
	bystander.release()
