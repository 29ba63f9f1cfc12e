"""Goal: where audit messages can't be written, the journal is told all the same, and where
the journal is away, the messages go on; whoever comes back is told what it missed, once
and in order. So while the gateway runs, from its start on and across its end."""
import fcntl
import os
import pathlib
import subprocess

import journal
from audit_messages import marks, marks_of, written
from harness import Test, eventually
from journal import Journal
from objects import make

MORE_THAN_A_SOCKET_HOLDS = 30 + int(pathlib.Path(
	"/proc/sys/net/unix/max_dgram_qlen").read_text())
AGAIN = 70	# seconds: it tries again after a minute at most


def store(count):
	before = len(gateway.audit(outcome="released"))
	modality = t.associate(gateway)
	for _ in range(count):
		assert modality.store(make("explicit")).status == 0
	modality.release()
	gateway.wait_audit_beyond(before, outcome="released")


def journal_has_all():
	return j.numbers() == list(range(len(gateway.audit())))


def expected():
	return marks_of(gateway.audit(), t.work / "uninterrupted")


def messages_have_all():
	return marks(written(folder)) == expected()


def fill(name):
	"""All that the messages' file system has room for."""
	with open(name, "wb", buffering=0) as file:
		for size in (1 << 16, 1 << 9):
			try:
				while file.write(b"x" * size):
					pass
			except OSError:
				pass


def lock(path):
	descriptor = os.open(path / "cathgate.lock", os.O_RDWR | os.O_CREAT, 0o600)
	fcntl.flock(descriptor, fcntl.LOCK_EX)
	return descriptor


def messages_away():
	store(2)
	eventually(messages_have_all)
	room = folder / "other"
	fill(room)
	# More than the rest of a page, which a file has even where there is no room.
	for number in range(3):
		store(3)
		eventually(journal_has_all)
	gateway.wait_log("audit messages can't be written: No space left")
	store(2)
	eventually(journal_has_all)
	assert len(written(folder)) < len(expected())
	room.unlink()
	eventually(messages_have_all, AGAIN)
	gateway.wait_log("audit messages can be written again")


def messages_away_from_the_start():
	holder = lock(folder)
	gateway.start()
	store(2)
	eventually(journal_has_all)
	gateway.wait_log("another process has it locked")
	assert gateway.stop() == 0
	assert journal_has_all()
	assert not messages_have_all()
	gateway.start()
	store(1)
	assert not messages_have_all()
	os.close(holder)
	eventually(messages_have_all, AGAIN)


def journal_away():
	j.stop()
	store(MORE_THAN_A_SOCKET_HOLDS)
	gateway.wait_log("the journal takes nothing")
	for _ in range(3):
		store(1)
		eventually(messages_have_all)
	assert gateway.stop() == 0
	assert messages_have_all()
	j.start()
	gateway.start()
	eventually(journal_has_all)
	store(1)
	eventually(messages_have_all)
	eventually(journal_has_all)


journal.in_namespace()
with Test() as t, Journal(held=True) as j:
	folder = t.work / "messages"
	folder.mkdir()
	subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder],
		       check=True)
	j.start()
	gateway = t.gateway(t.pacs(), {"audit.journal": "auto",
				       "audit.messages": str(folder)})
	messages_away()
	assert gateway.stop() == 0
	messages_away_from_the_start()
	journal_away()
	assert gateway.stop() == 0
	assert journal_has_all() and messages_have_all()
	assert "exported twice" not in gateway.log()
	assert "does not end" not in gateway.log()
