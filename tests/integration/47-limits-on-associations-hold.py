"""Goal: each limit on associations rejects the one too many, for now, and a released place
can be had again; silent connections don't use places up."""
import socket

import dicom
from dicom import XA_CONTEXT, Rejection
from harness import Test, eventually
from objects import make

ECHOLAB = {"name": "echolab", "ae_titles": ["ECHOLAB"], "called_ae_titles": ["CATHGATE"],
	   "certificate": {"dns": ["echolab.test"]}, "destination": "pacs",
	   "max_associations": 2, "max_handshakes_per_minute": 1000}
CAPS = (	# what is limited, and whose associations fill it
	({"limits.max_associations": 2, "modalities.0.max_associations": 2}, "echolab"),
	({"limits.max_associations_per_address": 2}, "echolab"),
	({"modalities.0.max_associations": 2}, "angio"),
)


def one_more_is_rejected(changes, other):
	gateway = t.gateway(pacs, {"modalities.1": ECHOLAB, **changes})
	first = t.associate(gateway)
	second = t.associate(gateway, other,
			     calling="ECHOLAB" if other == "echolab" else "CATHLAB3")
	answer = t.connect(gateway).request(contexts=[XA_CONTEXT])
	assert answer == Rejection(2, 3, 2), f"{changes}: {answer}"
	gateway.wait_audit(event="association", outcome="refused",
			   reason="limit-associations")
	first.release()
	eventually(lambda: len(gateway.associations()) == 1)
	third = t.associate(gateway)
	assert third.store(make("explicit")).status == 0
	assert second.store(make("explicit")).status == 0


def oldest_silent_one_goes_first():
	gateway = t.gateway(pacs, {"limits.max_handshakes": 2,
				   "limits.handshake_seconds": 100})
	silent = []
	for _ in range(3):
		silent.append(socket.create_connection(("127.0.0.1", gateway.port)))
		silent[-1].settimeout(dicom.PATIENCE)
	assert silent[0].recv(1) == b"", "the oldest is dropped"
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0


def is_open(gateway):
	try:
		return isinstance(t.connect(gateway).request(contexts=[XA_CONTEXT]),
				  dicom.Request)
	except (dicom.Closed, OSError):
		return False


def handshakes_a_minute_are_counted():
	by_address = t.gateway(pacs, {"limits.handshakes_per_address_per_minute": 3})
	assert [is_open(by_address) for _ in range(5)] == [True] * 3 + [False] * 2
	by_address.wait_audit(outcome="refused", reason="limit-associations")
	by_entry = t.gateway(pacs, {"modalities.0.max_handshakes_per_minute": 3})
	assert [is_open(by_entry) for _ in range(5)] == [True] * 3 + [False] * 2


with Test() as t:
	pacs = t.pacs()
	for cap in CAPS:
		one_more_is_rejected(*cap)
	oldest_silent_one_goes_first()
	handshakes_a_minute_are_counted()
