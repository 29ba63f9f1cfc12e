"""Goal: a PACS that is silent in TLS, in negotiation, or stops reading in mid-object is
given up in time, and nobody else waits for it."""
import threading

from dicom import XA_CONTEXT, Rejection
from harness import Test
from objects import make

the_end = threading.Event()


def silent(association):
	association.read_request()
	the_end.wait()


def stops_reading(association):
	association.accept()
	association.read_pdu()
	the_end.wait()


class Mute:
	"""Stands in for the TLS of a PACS that never says a word."""
	def wrap_socket(self, sock, **_):
		the_end.wait()
		raise OSError


LIMITS = {"limits.connect_seconds": 5, "limits.response_seconds": 5}

with Test() as t:
	mute = t.pacs()
	mute.context = Mute()
	for pacs in (mute, t.pacs(silent)):
		gateway = t.gateway(pacs, LIMITS)
		answer = t.connect(gateway).request(contexts=[XA_CONTEXT])
		assert isinstance(answer, Rejection) and answer.result == 2, answer
		gateway.wait_audit(event="association", outcome="refused",
				   reason="destination-timeout")

	gateway = t.gateway(t.pacs(stops_reading), LIMITS)
	modality = t.associate(gateway)
	assert modality.store(make("explicit", size=30000000)).status & 0xFF00 == 0xA700
	gateway.wait_audit(event="instance", outcome="failed", reason="destination-timeout")
	the_end.set()
