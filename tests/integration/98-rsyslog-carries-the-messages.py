"""Goal: a real rsyslog, configured as conf/ has it, carries the gateway's messages over
mutual TLS to another: each message at least once, octet for octet, and nothing that was
not written, in order: though the other is away at first and goes again, and the first is
killed in mid-work or while the other is away."""
import shutil
import signal

from audit_messages import (OBJECT, PARTIES, Repository, Rsyslog, export, line, shipped,
			    without_repeats, written, written_in)
from harness import Test, eventually
from objects import make


class Stream:
	"""Lines of a log without end, a long message now and then."""

	def __init__(self):
		self.seq = 0

	def export(self, count):
		lines = []
		for self.seq in range(self.seq + 1, self.seq + 1 + count):
			detail = "\u00e9<&\u2014 " * (3000 if self.seq % 40 == 5 else 3)
			lines.append(line(self.seq, "alert", outcome="raised", reason="internal",
					  detail=detail))
		export(folder, lines)


def check_arrived():
	"""All, as they were written, and nothing else; some may have come twice."""
	expected = written(folder)
	eventually(lambda: set(expected) <= set(repository.received()))
	received = without_repeats(repository.received())
	assert received == expected, [message for message in received
				      if message not in expected] or "out of order"


def check_rereads_nothing():
	"""What has arrived isn't sent again when rsyslog has ended without need."""
	eventually(lambda: all(f'"curr_offs": {path.stat().st_size}' in states()
			       for path in folder.glob("cathgate-*.log")))


def states():
	return "".join(path.read_text() for path in sender.state.glob("imfile-state:*"))


with Test() as t:
	folder = t.work / "messages"
	repository = Repository(t.work / "repository", t.pki)
	sender = Rsyslog(t.work / "sender",
			 shipped(t.work / "sender", folder, repository.port, t.pki))
	try:
		gateway = t.gateway(t.pacs(), {"audit.messages": str(folder)})
		sender.start()
		modality = t.associate(gateway)
		assert modality.store(make("explicit")).status == 0
		modality.release()
		assert gateway.stop() == 0
		assert len(written(folder)) >= 7
		# Not even the first message of a file, of which rsyslog has noted the beginning.
		eventually(lambda: '"curr_offs": 512' in states())
		sender.end(signal.SIGKILL)
		sender.start()
		repository.start()
		check_arrived()
		check_rereads_nothing()

		stream = Stream()
		stream.seq = 1000
		for number in (signal.SIGTERM, signal.SIGKILL):
			stream.export(10)
			check_arrived()
			refused = sender.log().count("refused")
			repository.end(number)
			stream.export(1)	# into the connection that is no more
			stream.export(10)
			eventually(lambda: sender.log().count("refused") > refused)
			sender.end(signal.SIGKILL)
			stream.export(10)
			sender.start()
			repository.start()
			check_arrived()

		for moment in (0, 5, 20):
			before = len(repository.received())
			stream.export(30)
			eventually(lambda: len(repository.received()) >= before + moment)
			sender.end(signal.SIGKILL)
			stream.export(5)
			sender.start()
			check_arrived()
		assert any(len(message) > 30000 for message in repository.received())

		before = without_repeats(repository.received())
		again = folder / "cathgate-again.log"
		shutil.copy2(sorted(folder.glob("cathgate-0*.log"))[0], again)
		eventually(lambda: repository.received()[-len(written_in(again)):]
			   == written_in(again))
		assert without_repeats(repository.received()) == before
	finally:
		sender.end(signal.SIGKILL)
		repository.end(signal.SIGKILL)
