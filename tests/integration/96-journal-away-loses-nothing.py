"""Goal: journald is away for a while: the gateway works on, and when journald is back it
is told all that it missed, once and in order; a gateway that stops meanwhile doesn't wait,
and tells the rest after its next start. So where the socket goes with journald, and where
it stays, as under systemd, until it takes no more."""
import pathlib

import journal
from harness import Test, child, eventually
from journal import Journal
from objects import make

MORE_THAN_A_SOCKET_HOLDS = 30 + int(pathlib.Path(
	"/proc/sys/net/unix/max_dgram_qlen").read_text())


def store(count):
	modality = t.associate(gateway)
	for _ in range(count):
		assert modality.store(make("explicit")).status == 0
	modality.release()


def told():
	return eventually(lambda: j.numbers() == list(range(len(gateway.audit()))))


def away_and_back():
	"""From nothing at all on."""
	assert bool(child(gateway.pid, "exporter")) == bool(j.held), \
		"an exporter only where a journal is"
	store(1)
	assert gateway.stop() == 0
	j.start()
	gateway.start()
	store(2)
	assert told(), "what was there before there was a journal, too"

	j.stop()
	store(MORE_THAN_A_SOCKET_HOLDS)
	gateway.wait_log("the journal takes nothing")
	j.start()
	assert told()
	gateway.wait_log("the journal takes entries again")

	j.stop()
	store(MORE_THAN_A_SOCKET_HOLDS)
	assert gateway.stop() == 0
	assert "does not end" not in gateway.log(), "it doesn't wait for a journal"
	j.start()
	gateway.start()
	assert told()
	assert gateway.stop() == 0
	assert told()


journal.in_namespace()
with Test() as t:
	for held in (False, True):
		with Journal(held) as j:
			gateway = t.gateway(t.pacs(), {"audit.journal": "auto"})
			away_and_back()
