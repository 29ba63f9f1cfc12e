"""Goal: the exporter is killed in mid-work, again and again, and replaced: no line is
missing in the journal, and none is out of order; nobody else notices. Across a restart of
the gateway no line comes twice."""
import os
import pathlib
import signal

import journal
from harness import Test, children, eventually
from journal import Journal
from objects import make

KILLS = 5


def reads_log(pid):
	try:
		return any(os.readlink(entry) == str(gateway.audit_file)
			   for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir())
	except OSError:
		return False


def kill_exporter():
	"""Returns its successor: other processes come and go, but don't read the log."""
	known = {auditor, exporter, *associations}
	os.kill(exporter, signal.SIGKILL)
	store_some()
	successor, = eventually(lambda: [pid for pid in set(children(gateway.pid)) - known
					 if reads_log(pid)])
	return successor


def store_some():
	for _ in range(20):
		assert modality.store(make("explicit")).status == 0


def position():
	file = gateway.folder / "audit.exported"
	return file.read_text() if file.exists() else None


def kept_order(numbers):
	"""Each number stands first after all below it: what was told again is told in order."""
	seen = -1
	for number in numbers:
		assert number <= seen + 1, f"{number} after {seen}"
		seen = max(seen, number)
	return seen + 1


journal.in_namespace()
with Test() as t, Journal() as j:
	j.start()
	gateway = t.gateway(t.pacs(), {"audit.journal": "auto"})
	auditor, exporter = gateway.helpers
	modality = t.associate(gateway)
	# A scribe that has no name yet would look like a second one.
	associations = eventually(lambda: len(found := gateway.associations()) == 1 and found)
	for number in range(KILLS):
		before = position()
		store_some()
		if number % 2:	# else it is killed sooner than it saves where it is
			eventually(lambda: position() != before)
			store_some()
		exporter = kill_exporter()
	store_some()
	assert {auditor, exporter, *associations} <= set(children(gateway.pid)), \
		"nobody else was affected"
	modality.release()
	assert gateway.stop() == 0
	assert kept_order(j.numbers()) == len(gateway.audit())
	assert gateway.log().count("the exporter ended") == KILLS

	told, count = len(j.entries()), len(gateway.audit())
	gateway.start()
	modality = t.associate(gateway)
	store_some()
	assert gateway.stop() == 0
	assert j.numbers()[told:] == list(range(count, len(gateway.audit()))), "no line twice"
	assert position()
