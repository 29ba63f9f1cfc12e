"""Goal: a site that turns on rsyslog's own disk-assisted queue, as the comment in conf/ says,
loses nothing to a repository that is away at first, nor to one that goes and comes again."""
import signal

from audit_messages import (Repository, Rsyslog, export, line, queued, shipped,
			    without_repeats, written)
from harness import Test, eventually

COUNT = 120


def more():
	more.last += COUNT
	export(folder, [line(seq, "alert", outcome="raised", reason="internal",
			     detail="\u00e9<&\u2014 " * (3000 if seq % 40 == 5 else 3))
			for seq in range(more.last - COUNT, more.last)])


def waits_for_repository():
	refused = sender.log().count("refused")
	eventually(lambda: sender.log().count("refused") > refused)


def is_read():
	"""All that was written is in the queue."""
	states = "".join(path.read_text() for path in sender.state.glob("imfile-state:*"))
	return all(f'"curr_offs": {path.stat().st_size}' in states
		   for path in folder.glob("cathgate-*.log"))


def check_arrived():
	expected = written(folder)
	eventually(lambda: set(expected) <= set(repository.received()))
	assert set(without_repeats(repository.received())) == set(expected)


with Test() as t:
	folder = t.work / "messages"
	more.last = 0
	repository = Repository(t.work / "repository", t.pki)
	sender = Rsyslog(t.work / "sender",
			 queued(shipped(t.work / "sender", folder, repository.port, t.pki)))
	try:
		more()
		sender.start()
		waits_for_repository()
		more()
		eventually(is_read)
		waits_for_repository()
		repository.start()
		check_arrived()

		repository.end()
		more()
		eventually(is_read)
		waits_for_repository()
		repository.start()
		check_arrived()
	finally:
		sender.end(signal.SIGKILL)
		repository.end(signal.SIGKILL)
