"""Goal: a PDU that comes a byte at a time counts as silence, from the modality between two
instances as from the PACS in its A-ASSOCIATE-AC and its response."""
import threading
import time

import dicom
from dicom import ASSOCIATE_AC, P_DATA, XA_CONTEXT, Rejection
from harness import Test
from objects import make

LIMITS = {"limits.idle_seconds": 5, "limits.store_seconds": 5, "limits.connect_seconds": 5,
	  "limits.response_seconds": 5}


def drip(association, kind):
	"""A byte each tenth of a second, for minutes, until it is cut off."""
	try:
		for byte in dicom.pdu(kind, bytes(2000)):
			association.send(bytes([byte]))
			time.sleep(0.1)
	except OSError:
		pass	# as it should be


def drips_its_acceptance(association):
	association.read_request()
	drip(association, ASSOCIATE_AC)


def drips_its_response(association):
	association.accept()
	association.receive()
	drip(association, P_DATA)


with Test() as t:
	gateway = t.gateway(t.pacs(), LIMITS)
	modality = t.associate(gateway)
	threading.Thread(target=drip, args=(modality, P_DATA), daemon=True).start()
	line = gateway.wait_audit(event="association", outcome="aborted")
	assert line["reason"] in ("idle", "too-slow"), line

	gateway = t.gateway(t.pacs(drips_its_acceptance), LIMITS)
	answer = t.connect(gateway).request(contexts=[XA_CONTEXT])
	assert isinstance(answer, Rejection) and answer.result == 2, answer
	gateway.wait_audit(event="association", outcome="refused",
			   reason="destination-timeout")

	gateway = t.gateway(t.pacs(drips_its_response), LIMITS)
	assert t.associate(gateway).store(make("explicit")).status & 0xFF00 == 0xA700
	gateway.wait_audit(event="instance", outcome="unconfirmed",
			   reason="destination-timeout")
