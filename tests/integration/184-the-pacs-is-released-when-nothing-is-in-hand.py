"""Goal: whatever ends the modality's side between two objects, the PACS hears an A-RELEASE-RQ,
and an A-ABORT only when an object or its answer is under way. A PACS that doesn't answer the
release holds up no stop, and no next association of the modality's."""
import queue
import signal

import dicom
from dicom import RELEASE_RP, Aborted, Closed
from harness import Test, eventually
from objects import make


def note_end(association):
	association.accept()
	try:
		while (message := association.receive()) is not None:
			association.respond(message)
		ends.put("released")
		if silent:
			association.read(1)
		association.send(dicom.release_pdu(RELEASE_RP))
	except Aborted:
		ends.put("aborted")
	except Closed:
		ends.put("closed")


def waits_for_idle(modality, gateway):
	try:
		modality.read_pdu()
	except Aborted:
		pass


def aborts(modality, gateway):
	modality.abort()


def hangs_up(modality, gateway):
	modality.close()


def releases(modality, gateway):
	modality.release()


def talks_nonsense(modality, gateway):
	modality.send(dicom.pdu(0x2A, b"abcd"))


def leaves_within_a_command(modality, gateway):
	modality.send_pdvs(1, b"\0\0", True, last=False)
	modality.close()


def leaves_within_a_refused_object(modality, gateway):
	modality.store_command(make("explicit"), elements={0x1031: 7})
	modality.send_data(1, bytes(1000), last=False)
	modality.close()


def is_revoked(modality, gateway):
	gateway.reload({"modalities.0.ae_titles": ["OTHER"]})
	modality.store(make("explicit"))


def gateway_stops(modality, gateway):
	gateway.signal(signal.SIGTERM)


def leaves_in_mid_object(modality, gateway):
	obj = make("explicit", size=100000)
	modality.store_command(obj)
	modality.send_data(1, obj.data[:20000], last=False)
	modality.close()


CASES = [	# how it ends, what the PACS hears, how the association's line says so
	(waits_for_idle, "released", ("aborted", "idle")),
	(aborts, "released", ("aborted", "peer-abort")),
	(hangs_up, "released", ("aborted", "peer-lost")),
	(releases, "released", ("released", None)),
	(talks_nonsense, "released", ("aborted", "malformed")),
	(leaves_within_a_command, "released", ("aborted", "peer-lost")),
	(leaves_within_a_refused_object, "released", ("aborted", "peer-lost")),
	(is_revoked, "released", ("aborted", "revoked-while-open")),
	(gateway_stops, "released", ("aborted", "gateway-stopping")),
	(leaves_in_mid_object, "aborted", ("aborted", "peer-lost")),
]

with Test() as t:
	ends, silent = queue.Queue(), False
	pacs = t.pacs(note_end)
	for leave, heard, (outcome, reason) in CASES:
		idle = {"limits.idle_seconds": 5} if leave is waits_for_idle else {}
		gateway = t.gateway(pacs, idle)
		modality = t.associate(gateway)
		assert modality.store(make("explicit")).status == 0
		leave(modality, gateway)
		end = ends.get(timeout=dicom.PATIENCE)
		assert end == heard, f"{leave.__name__}: {end}"
		line = eventually(lambda: [line for line in gateway.audit(event="association")
					   if line["outcome"] != "accepted"])[0]
		assert (line["outcome"], line.get("reason")) == (outcome, reason), line

	silent = True
	gateway = t.gateway(pacs, {"modalities.0.max_associations": 1})
	t.associate(gateway).abort()
	assert ends.get(timeout=dicom.PATIENCE) == "released"
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0
	assert gateway.stop() == 0
	assert ends.get(timeout=dicom.PATIENCE) == "released"
	line = gateway.audit(event="association")[-1]
	assert line["reason"] == "gateway-stopping", "its process was not killed"
	assert gateway.audit()[-2]["event"] == "stop"
