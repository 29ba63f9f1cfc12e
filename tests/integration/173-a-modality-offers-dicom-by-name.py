"""Goal: a modality that names DICOM's protocol (ALPN) hears it confirmed; one that names
none, or DICOM among others, is served; one that names others alone is refused, and hears and
leaves the reason. A ClientHello may come in any number of pieces, records among them."""
import ssl

import dicom
from dicom import XA_CONTEXT, Association, Request
from harness import Test
from objects import make
from tls_engine import Engine


def offer(*names):
	context = dicom.client_context(t.pki, "angio")
	if names:
		context.set_alpn_protocols(list(names))
	return dicom.connect(gateway.port, context)


def serve(sock):
	association = Association(sock)
	assert isinstance(association.request(contexts=[XA_CONTEXT]), Request)
	assert association.store(make("explicit")).status == 0
	association.release()


def bytewise(hello):
	return [hello[at:at + 1] for at in range(len(hello))]


def in_records(hello):
	"""Each of one byte of the handshake's message, and one of the rest."""
	message = hello[5:]
	parts = [message[at:at + 1] for at in range(20)] + [message[20:]]
	return [hello[:3] + len(part).to_bytes(2, "big") + part for part in parts]


with Test() as t:
	gateway = t.gateway(t.pacs())
	for names in ((), ("dicom",), ("h2", "dicom"), ("dicom", "http/1.1")):
		sock = offer(*names)
		assert sock.selected_alpn_protocol() == ("dicom" if names else None), names
		serve(sock)

	try:
		offer("h2", "http/1.1")
		raise AssertionError("it was let in")
	except ssl.SSLError as refusal:
		assert "NO_APPLICATION_PROTOCOL" in str(refusal).upper().replace(" ", "_"), refusal
	line = gateway.wait_audit(event="association", outcome="refused")
	assert line["reason"] == "tls-no-common" and "ALPN" in line["detail"], line

	for cut in (bytewise, in_records, lambda hello: [hello[:1], hello[1:300], hello[300:]]):
		sock = dicom.connect(gateway.port)
		serve(Engine(sock, dicom.client_context(t.pki, "angio"), cut,
			     server_hostname="gateway.test"))
