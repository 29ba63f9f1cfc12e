"""Goal: AE titles and user identity go to the PACS as the configuration says; a password
never does."""
import struct

from dicom import PATIENCE, item
from harness import Test

USER_IDENTITY = 0x58


def identity(kind, primary, secondary=b""):
	return item(USER_IDENTITY, struct.pack(">BBH", kind, 0, len(primary)) + primary
		    + struct.pack(">H", len(secondary)) + secondary)


def seen(changes, extra):
	pacs = t.pacs()
	t.associate(t.gateway(pacs, changes), extra=extra).release()
	return pacs.requests.get(timeout=PATIENCE)


with Test() as t:
	pass_on = {"modalities.0.user_identity": "pass"}
	name, password = identity(1, b"nurse"), identity(2, b"nurse", b"secret")
	token = identity(5, b"header.payload.signature")

	request = seen({}, name)
	assert (request.calling, request.called) == ("CATHLAB3", "PACS"), request
	assert USER_IDENTITY not in request.user, "it is only noted"
	assert request.user[0x55] == b"CATHGATE_TEST", "the implementation is the modality's"
	assert USER_IDENTITY in seen(pass_on, name).user
	assert USER_IDENTITY in seen(pass_on, token).user
	assert USER_IDENTITY not in seen(pass_on, password).user
	request = seen({"destinations.0.calling_ae_title": "GATE"}, b"")
	assert request.calling == "GATE", request
