"""Goal: who sends TLS records that hold no data, without end, is sent away: before the
A-ASSOCIATE-RQ, within an object, between two, and as a PACS that is waited for. A few key
updates harm nobody."""
import socket

import dicom
from dicom import XA_CONTEXT, Association
from harness import Test, eventually
from key_update import REQUESTED, Stream
from objects import make


def modality():
	sock = socket.create_connection(("127.0.0.1", gateway.port), dicom.PATIENCE)
	return Association(Stream(sock, t.pki, "angio"))


def associated():
	association = modality()
	association.request(contexts=[XA_CONTEXT])
	return association


def flood(association, *arguments):
	assert association.sock.flood(*arguments) > 0
	association.close()
	eventually(lambda: not gateway.associations())


class Context:
	"""For the PACS, in the place of Python's."""

	def wrap_socket(self, sock, **_):
		return Stream(sock, t.pki, "pacs", is_server=True)


def take_and_flood(association):
	association.accept()
	association.receive()
	association.sock.flood()


def check(event, outcome, reason):
	line = gateway.wait_audit(event=event, outcome=outcome, reason=reason)
	assert "hold no data" in line["detail"], line


with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs)
	obj = make("explicit", 100000)

	friendly = associated()
	for _ in range(5):
		friendly.sock.update_keys(REQUESTED)
		assert friendly.store(make("explicit")).status == 0
	friendly.release()

	flood(modality())
	check("association", "refused", "malformed")
	flood(associated())
	check("association", "aborted", "malformed")

	inside = associated()
	inside.store_command(obj)
	inside.send_data(1, obj.data[:5000], last=False)
	flood(inside, obj.data, 100)
	check("instance", "failed", "malformed")

	pacs.context, pacs.script = Context(), take_and_flood
	sender = t.associate(gateway)
	assert sender.store(obj).status == 0xA700
	check("instance", "unconfirmed", "destination-protocol")
	sender.close()
