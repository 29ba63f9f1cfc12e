"""Goal: a modality, or an address that is no modality's, whose associations crash three times
within a minute is held back: an alert says so, everybody else is served, and a reload ends it.
Crashes before a place was given don't count against the modality of the same address."""
import socket

import dicom
from crash import crash, newest, stop_after_crashes
from dicom import XA_CONTEXT, Rejection
from harness import Test, eventually, tool
from objects import make

ECHOLAB = {"name": "echolab", "ae_titles": ["ECHOLAB"], "called_ae_titles": ["CATHGATE"],
	   "certificate": {"dns": ["echolab.test"]}, "destination": "pacs"}
STRANGER, OTHER, KNOWN = "127.0.0.2", "127.0.0.3", "127.0.0.1"


def connect(address):
	return socket.create_connection(("127.0.0.1", gateway.port), dicom.PATIENCE,
					source_address=(address, 0))


def is_served(address):
	"""Whether there is an answer to garbage: what is closed at accept gets none."""
	with connect(address) as sock:
		before = gateway.audit(event="association", outcome="refused")
		sock.sendall(b"not TLS at all")
		try:
			while sock.recv(100):
				pass
		except ConnectionResetError:
			pass
	line = gateway.wait_audit_beyond(len(before), event="association", outcome="refused")
	assert line["reason"] in ("not-tls", "internal"), line
	return line["reason"] == "not-tls"


def crash_strangers(address):
	for _ in range(3):
		before = gateway.associations()
		with connect(address):
			crash(newest(gateway, before))


def crash_modality():
	before = gateway.associations()
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0
	crash(newest(gateway, before))


def alerts():
	return [line["detail"] for line in gateway.audit(event="alert", reason="internal")]


def stores(certificate="angio", calling="CATHLAB3"):
	modality = t.connect(gateway, certificate)
	answer = modality.request(calling=calling, contexts=[XA_CONTEXT])
	if isinstance(answer, Rejection):
		return answer
	assert modality.store(make("explicit")).status == 0
	modality.release()
	return True


with Test() as t:
	control = t.work / "control"
	gateway = t.gateway(t.pacs(), {"modalities.1": ECHOLAB,
				       "control": {"socket": str(control)}})
	gateway.answers()

	crash_strangers(STRANGER)
	alert, = eventually(alerts)
	assert "address 127.0.0.2" in alert and "held back until" in alert, alert
	assert not is_served(STRANGER)
	assert is_served(OTHER)
	assert stores() is True

	# From behind the address of a modality: it is told, and nobody is shut out.
	crash_strangers(KNOWN)
	eventually(lambda: len(alerts()) == 2)
	assert "not held back, since a modality uses it" in alerts()[1], alerts()
	assert stores() is True and is_served(KNOWN)

	for _ in range(3):
		crash_modality()
	eventually(lambda: len(alerts()) == 3)
	assert "modality angio" in alerts()[2] and "held back until" in alerts()[2], alerts()
	answer = stores()
	assert (answer.result, answer.source, answer.reason) == (2, 3, 1), vars(answer)
	line = gateway.wait_audit(event="association", outcome="refused", modality="angio",
				  reason="internal")
	assert "held back" in line["detail"], line
	said = tool("diagnose", "--config", gateway.config).decode()
	assert "at once by: cathgate reload" in " ".join(said.split()), said
	assert stores("echolab", "ECHOLAB") is True
	eventually(lambda: b"modality angio: 3 of its processes" in tool(
		"status", "--json", "--config", gateway.config, status=0))

	gateway.reload()
	assert stores() is True and is_served(STRANGER)
	assert len(alerts()) == 3
	stop_after_crashes(gateway)
