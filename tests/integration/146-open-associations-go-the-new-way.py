"""Goal: an association that is open across a reload goes the way that the new set has: to the
destination's new host, under its new AE titles, and only if the new name or pinned key is shown;
one whose entry sends elsewhere now ends at its next instance, which is to be sent again."""
import hashlib
import ssl
import subprocess

import dicom
from dicom import Aborted
from harness import Test, eventually
from objects import make


def openssl(*arguments, data=None):
	return subprocess.run(["openssl", *map(str, arguments)], input=data, check=True,
			      capture_output=True).stdout


def pin(name):
	"""SHA-256 of a certificate's public key."""
	key = openssl("x509", "-in", t.pki / f"{name}.crt", "-noout", "-pubkey")
	return hashlib.sha256(openssl("pkey", "-pubin", "-outform", "DER", data=key)).hexdigest()


def stored(modality):
	"""Status, and the line of the audit log."""
	obj = make("explicit")
	status = modality.store(obj).status
	return status, gateway.audit(event="instance", sop_instance=obj.sop_instance)[-1]


def goes_on(modality):
	status, line = stored(modality)
	assert (status, line["outcome"]) == (0, "forwarded"), line


def fails_for(modality, reason, says=""):
	"""It may be sent again in the same association."""
	status, line = stored(modality)
	assert status & 0xFF00 == 0xA700 and line["reason"] == reason, line
	assert says in line["detail"], line


def is_ended(modality):
	status, line = stored(modality)
	assert status == 0xA700, f"{status:04X}"
	assert (line["outcome"], line["reason"]) == ("failed", "revoked-while-open"), line
	try:
		modality.read_pdu()
	except Aborted:
		return
	raise AssertionError("it goes on")


def another_way():
	modality = t.associate(gateway)
	goes_on(modality)
	gateway.reload({"destinations.0.port": moved.port})
	goes_on(modality)
	assert (pacs.connections, moved.connections) == (1, 1)
	goes_on(modality)
	assert moved.connections == 1, "once is enough"
	# What doesn't concern the way leaves it alone.
	gateway.reload({"destinations.0.port": moved.port, "limits.idle_seconds": 200})
	goes_on(modality)
	assert moved.connections == 1, "it was called anew for nothing"

	# In mid-object nothing changes; the next one has the new titles.
	obj = make("explicit")
	modality.store_command(obj)
	modality.send_data(1, obj.data[:1000], last=False)
	gateway.reload({"destinations.0.called_ae_title": "ARCHIVE",
			"destinations.0.calling_ae_title": "GATEWAY"})
	modality.send_data(1, obj.data[1000:])
	assert modality.receive().status == 0
	assert moved.connections == 1 and pacs.connections == 1
	goes_on(modality)
	assert pacs.connections == 2
	while not pacs.requests.empty():
		request = pacs.requests.get()
	assert (request.called.strip(), request.calling.strip()) == ("ARCHIVE", "GATEWAY"), request

	# A name, which has no address before the name service has answered.
	gateway.reload({"destinations.0.host": "localhost"})
	eventually(lambda: stored(modality)[0] == 0)
	assert pacs.connections == 3
	modality.release()


def whom_it_believes():
	modality = t.associate(gateway)
	goes_on(modality)
	for changes, reason, says in (
		({"server_name": "elsewhere.test"}, "destination-name", "elsewhere.test"),
		({"server_name": "192.0.2.7"}, "destination-name", ""),
		({"public_key_sha256": [pin("angio")]}, "destination-tls", "public_key_sha256"),
		({"public_key_sha256": [pin("angio"), pin("pacs")]}, None, ""),
		({}, None, ""),
		({"min_version": "1.3"}, None, ""),
	):
		gateway.reload({f"destinations.0.tls.{key}": value
				for key, value in changes.items()})
		if reason:
			fails_for(modality, reason, says)
			gateway.reload({})
		goes_on(modality)
	modality.release()


def what_tls_they_speak():
	"""Either side: one that speaks an older TLS than is allowed now."""
	context = dicom.client_context(t.pki, "angio")
	context.maximum_version = ssl.TLSVersion.TLSv1_2
	modality = t.connect(gateway, context=context)
	modality.request(contexts=[dicom.XA_CONTEXT])
	goes_on(modality)
	gateway.reload({"listen.0.tls.min_version": "1.3"})
	status, line = stored(modality)
	assert (status, line["reason"]) == (0x0124, "revoked-while-open"), line
	assert "tls-version" in line["detail"], line
	pacs.context.maximum_version = ssl.TLSVersion.TLSv1_2
	gateway.reload({})
	modality = t.associate(gateway)
	goes_on(modality)
	gateway.reload({"destinations.0.tls.min_version": "1.3"})
	fails_for(modality, "destination-tls")
	pacs.context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
	goes_on(modality)
	gateway.reload({})
	modality.release()


def elsewhere():
	second = {"name": "second", "host": "127.0.0.1", "port": moved.port,
		  "called_ae_title": "PACS", "tls": gateway_tls()}
	for changes in ({"destinations.1": second, "modalities.0.destination": "second"},
			{"destinations.0": {**second, "name": "renamed"},
			 "modalities.0.destination": "renamed"}):
		modality = t.associate(gateway)
		goes_on(modality)
		before = pacs.connections, pacs.stored.qsize()
		gateway.reload(changes)
		is_ended(modality)
		assert (pacs.connections, pacs.stored.qsize()) == before, "it got there"
		modality = t.associate(gateway)
		goes_on(modality)
		modality.release()
		gateway.reload({})
	# Nor is what was to be encrypted sent without TLS.
	modality = t.associate(gateway)
	goes_on(modality)
	gateway.reload({"destinations.0.tls": "none"})
	is_ended(modality)
	gateway.reload({})
	# Put back in time, it was never gone.
	modality = t.associate(gateway)
	gateway.reload({"destinations.1": second, "modalities.0.destination": "second"})
	gateway.reload({})
	goes_on(modality)
	modality.release()


def gateway_tls():
	return {"certificate": f"{t.pki}/gateway-client.crt",
		"key": f"{t.pki}/gateway-client.key", "ca": f"{t.pki}/hospital-ca.crt",
		"server_name": "pacs.test"}


with Test() as t:
	pacs, moved = t.pacs(), t.pacs()
	gateway = t.gateway(pacs)
	another_way()
	gateway.reload({})
	whom_it_believes()
	what_tls_they_speak()
	elsewhere()
