"""Goal: fragments that hold nothing don't count as progress: in an object, in a command or
in the PACS's response they end within the limits, and the log says so."""
import struct
import time

import dicom
from harness import Test
from objects import make

SECONDS = 2
DATA, COMMAND = 0, 1


def empty_fragments(kind):
	return dicom.pdu(dicom.P_DATA, struct.pack(">IBB", 2, 1, kind) * 1000)


def send_endlessly(association, kind):
	"""Whether the gateway ended it."""
	began = time.monotonic()
	try:
		while time.monotonic() - began < dicom.PATIENCE:
			association.send(empty_fragments(kind))
	except OSError:
		return True
	return False


def endless_response(association):
	association.accept()
	association.receive()
	send_endlessly(association, COMMAND)


with Test() as t:
	gateway = t.gateway(t.pacs(), {"limits.store_seconds": SECONDS,
				       "limits.idle_seconds": SECONDS})
	for kind in (DATA, COMMAND):
		modality, obj = t.associate(gateway), make("explicit")
		if kind == DATA:
			modality.store_command(obj)
		assert send_endlessly(modality, kind), "it went on"
		aborted = gateway.wait_audit_beyond(kind, event="association",
						    outcome="aborted")
		assert aborted["reason"] in ("too-slow", "malformed"), aborted
	line, = gateway.audit(event="instance")
	assert line["outcome"] == "failed" and line["reason"] == aborted["reason"], line

	gateway = t.gateway(t.pacs(endless_response), {"limits.response_seconds": SECONDS})
	assert t.associate(gateway).store(make("explicit")).status & 0xFF00 == 0xA700
	line, = gateway.audit(event="instance")
	assert line["outcome"] == "unconfirmed", line
	assert line["reason"] in ("destination-timeout", "destination-protocol"), line
