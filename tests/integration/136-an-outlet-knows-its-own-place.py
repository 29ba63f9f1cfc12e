"""Goal: an outlet that is new to a log tells all that the log holds, rotated files too; one
that was there goes on where it was, whoever else came or went: also where an earlier
version left one position for both, whatever was open then, and where the messages' own
files alone say how far they are, though the log is another one since."""
import json
import os
import signal

import journal
from audit_messages import marks, marks_of, written
from chain import by_age
from harness import Test, eventually
from journal import Journal
from objects import make


def log():
	"""Its lines, those of rotated files too."""
	return [json.loads(line) for file in by_age(gateway.folder)
		for line in file.read_text().splitlines()]


def store(count=2):
	modality = t.associate(gateway)
	for _ in range(count):
		assert modality.store(make("explicit")).status == 0
	return modality


def run(changes):
	"""A gateway's life with this configuration: some instances, then its end."""
	gateway.reconfigure(changes)
	gateway.start()
	store().release()
	assert gateway.stop() == 0


def journal_has(expected):
	assert j.numbers() == list(expected), (j.numbers(), expected)


def check_messages(after=()):
	assert marks(written(folder)) == [*after, *marks_of(log(), t.work / "uninterrupted")]


def lines():
	return range(len(log()))


def as_one_position():
	"""As the earlier version wrote it: the messages' own, in step with the journal's."""
	os.replace(own, shared)


def told_up_to(file):
	return int(file.read_text().splitlines()[2].split()[0])


def ended_in_mid_association():
	"""With an association open, of which the messages can say nothing yet."""
	gateway.start()
	store()
	eventually(lambda: told_up_to(shared) == told_up_to(own) == log()[-1]["seq"])
	os.kill(gateway.pid, signal.SIGKILL)
	gateway.process.wait()


def another_log():
	"""The old one is moved away, with all that belongs to it; numbers begin anew."""
	for file in gateway.folder.glob("audit*"):
		if "exported" not in file.name:
			file.rename(t.work / f"old-{file.name}")


journal.in_namespace()
with Test() as t, Journal() as j:
	j.start()
	folder = t.work / "messages"
	messages = {"audit.messages": str(folder)}
	both = {**messages, "audit.journal": "auto"}
	gateway = t.gateway(t.pacs(), {"audit.journal": "off", "audit.rotate_bytes": 65536})
	shared, own = gateway.folder / "audit.exported", gateway.folder / "audit.exported-messages"
	for _ in range(6):
		store(20).release()
	assert gateway.stop() == 0
	assert len(list(gateway.folder.glob("audit-*.jsonl"))) >= 1
	assert not shared.exists() and not own.exists()

	run({"audit.journal": "auto"})
	journal_has(lines())
	run(both)
	journal_has(lines())
	check_messages()
	told = lines()
	run({**messages, "audit.journal": "off"})
	check_messages()
	journal_has(told)
	run({"audit.journal": "auto"})
	journal_has(lines())
	run(both)
	check_messages()
	journal_has(lines())

	as_one_position()
	run(both)
	check_messages()
	journal_has(lines())
	ended_in_mid_association()
	as_one_position()
	run(both)
	check_messages()
	# What was told in the last moment before it was killed may come twice.
	assert list(dict.fromkeys(j.numbers())) == list(lines())

	earlier, before = marks(written(folder)), len(j.numbers())
	another_log()
	own.unlink()
	run(both)
	check_messages(after=earlier)
	assert j.numbers()[before:] == list(lines())
