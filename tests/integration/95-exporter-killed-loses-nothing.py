"""Goal: the exporter is killed in mid-work, again and again, and replaced: no line is
missing in the journal, and none is out of order; nobody else notices. Across a restart of
the gateway no line comes twice."""
import os
import signal

import journal
from harness import Test, child, children, eventually
from journal import Journal
from objects import make

KILLS = 5


def kill_exporter():
	"""While it works. Its successor is there afterwards."""
	exporter = gateway.helper("exporter")
	os.kill(exporter, signal.SIGKILL)
	store_some()
	eventually(lambda: child(gateway.pid, "exporter") not in (None, exporter))


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
	auditor = gateway.helper("auditor")
	modality = t.associate(gateway)
	associations = gateway.associations()
	for number in range(KILLS):
		before = position()
		store_some()
		if number % 2:	# else it is killed sooner than it saves where it is
			eventually(lambda: position() != before)
			store_some()
		kill_exporter()
	store_some()
	assert {auditor, *associations} <= set(children(gateway.pid)), \
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
