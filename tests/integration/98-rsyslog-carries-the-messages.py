"""Goal: a real rsyslog, configured as conf/ has it, carries the gateway's messages over
mutual TLS to another: every octet as it was written, none lost and in order, though the
other is away at first and goes again, or the first is killed in mid-work."""
import signal

from audit_messages import (OBJECT, PARTIES, Repository, Rsyslog, export, line, shipped,
			    without_repeats, written)
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
	"""All, as they were written, and in that order; some may have come twice."""
	expected = written(folder)
	repository.wait_for(expected)
	assert without_repeats(repository.received()) == expected


def check_none_lost():
	expected = set(written(folder))
	eventually(lambda: expected <= set(repository.received()), 60)
	assert set(repository.received()) == expected, "what was never written"


with Test() as t:
	folder = t.work / "messages"
	repository = Repository(t.work / "repository", t.pki)
	sender = Rsyslog(t.work / "sender", shipped(folder, repository.port, t.pki))
	try:
		gateway = t.gateway(t.pacs(), {"audit.messages": str(folder)})
		sender.start()
		modality = t.associate(gateway)
		assert modality.store(make("explicit")).status == 0
		modality.release()
		assert gateway.stop() == 0
		assert len(written(folder)) >= 7
		repository.start()
		check_arrived()

		stream = Stream()
		stream.seq = 1000
		for number in (signal.SIGTERM, signal.SIGKILL):
			stream.export(50)
			check_arrived()
			repository.end(number)
			stream.export(1)	# into the connection that is no more
			stream.export(50)
			repository.start()
			check_arrived()
		assert any(len(message) > 30000 for message in repository.received())

		for moment in (0, 20, 60):
			stream.export(100)
			before = len(repository.received())
			eventually(lambda: len(repository.received()) >= before + moment)
			sender.end(signal.SIGKILL)
			stream.export(20)
			sender.start()
			check_none_lost()
	finally:
		sender.end(signal.SIGKILL)
		repository.end(signal.SIGKILL)
