"""Goal: many PACSs close idle associations: the next instance opens a new one, unless the
PACS now answers the proposal otherwise: then A7xx and abort."""
import queue

from dicom import PATIENCE, Aborted, Closed, release_pdu
from harness import Test
from objects import EXPLICIT, IMPLICIT, XA, make

WAYS = (lambda a: a.close(), lambda a: a.abort(2, 0), lambda a: a.send(release_pdu()))


def impatient(association):
	"""Serves one instance an association and then ends it, each time another way."""
	association.accept()
	message = association.receive()
	pacs.stored.put(message)
	association.respond(message)
	WAYS[pacs.connections % len(WAYS)](association)
	ended.put(True)
	association.read_pdu()


def fickle(association):
	syntax = EXPLICIT if moody.connections == 1 else IMPLICIT
	association.accept(lambda *proposal: (0, syntax))
	if message := association.receive():
		association.respond(message)
		association.close()
		ended.put(True)


with Test() as t:
	ended = queue.Queue()
	pacs = t.pacs(impatient)
	gateway = t.gateway(pacs)
	modality = t.associate(gateway)
	for number in range(1, 7):
		assert modality.store(make("explicit")).status == 0
		assert pacs.connections == number
		ended.get(timeout=PATIENCE)
	modality.release()
	assert len(gateway.audit(event="instance", outcome="forwarded")) == 6

	moody = t.pacs(fickle)
	gateway = t.gateway(moody)
	modality = t.associate(gateway, contexts=[(1, XA, [EXPLICIT, IMPLICIT])])
	assert modality.store(make("explicit")).status == 0
	ended.get(timeout=PATIENCE)	# before the next one comes
	assert modality.store(make("explicit")).status & 0xFF00 == 0xA700
	try:
		modality.read_pdu()
		raise AssertionError("the association went on")
	except (Aborted, Closed):
		pass
	gateway.wait_audit(event="instance", outcome="failed", reason="destination-context")
