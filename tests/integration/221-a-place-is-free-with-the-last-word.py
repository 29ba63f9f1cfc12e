"""Goal: whatever word a modality is sent away with, its place is free when it hears it: it need not
close first, and no PACS has to answer. With one place it can come back at once."""
from dicom import ECHO_CONTEXT, XA_CONTEXT, Aborted, Rejection, pdu
from harness import Test
from objects import make

NONSENSE = pdu(0x2A, b"abcd")


def silent_at_release(association):
	association.accept()
	while (message := association.receive()) is not None:
		association.respond(message)
	association.read(1)


def is_aborted(modality):
	modality.send(NONSENSE)
	try:
		modality.read_pdu()
		raise AssertionError("nonsense was borne")
	except Aborted:
		pass


with Test() as t:
	one = {"modalities.0.max_associations": 1}
	away = []	# those that were sent away and have not closed

	for context in (ECHO_CONTEXT, XA_CONTEXT):	# without the PACS, and with it
		gateway = t.gateway(t.pacs(silent_at_release), one)
		for _ in range(5):
			modality = t.connect(gateway)
			answer = modality.request(contexts=[context])
			assert not isinstance(answer, Rejection), answer
			if context is XA_CONTEXT:
				assert modality.store(make("explicit", size=100)).status == 0
			is_aborted(modality)
			away.append(modality)
		assert len(gateway.audit(event="association", reason="malformed")) == 5

	gateway = t.gateway(t.pacs(lambda association: association.reject(1, 1, 7)), one)
	for _ in range(5):
		modality = t.connect(gateway)
		assert modality.request(contexts=[XA_CONTEXT]) == Rejection(1, 1, 7)
		away.append(modality)
	assert not gateway.audit(reason="limit-associations")
	for modality in away:
		modality.close()
