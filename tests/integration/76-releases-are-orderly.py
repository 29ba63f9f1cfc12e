"""Goal: a release is carried to its end on both legs: a PACS may take its time though the
modality has gone, and may ask for release itself between two instances."""
import queue

from dicom import PATIENCE, RELEASE_RP, Closed, release_pdu
from harness import Test
from objects import make


def is_still_there(association):
	association.sock.settimeout(0.5)	# so long it thinks
	try:
		return association.sock.recv(1) != b""
	except TimeoutError:
		return True


def thinks_first(association):
	association.accept()
	while (message := association.receive()) is not None:
		association.respond(message)
	assert gone.get(timeout=PATIENCE)
	assert is_still_there(association), "the gateway didn't wait for the A-RELEASE-RP"
	association.sock.settimeout(PATIENCE)
	association.send(release_pdu(RELEASE_RP))
	try:
		association.read_pdu()
	except Closed:
		released.put(True)


def asks_itself(association):
	association.accept()
	association.respond(association.receive())
	association.send(release_pdu())
	association.expect(RELEASE_RP)
	released.put(True)


with Test() as t:
	gone, released = queue.Queue(), queue.Queue()
	modality = t.associate(t.gateway(t.pacs(thinks_first)))
	assert modality.store(make("explicit")).status == 0
	modality.release()
	gone.put(True)
	assert released.get(timeout=PATIENCE)

	pacs = t.pacs(asks_itself)
	modality = t.associate(t.gateway(pacs))
	for number in range(1, 4):
		assert modality.store(make("explicit")).status == 0
		assert released.get(timeout=PATIENCE)
		assert pacs.connections == number
