"""Goal: a TLS version too old, no cipher in common, a modality that distrusts the gateway
and what is no TLS at all each have a reason of their own."""
import socket
import ssl

import dicom
from dicom import XA_CONTEXT
from harness import Test, eventually


def old(pki, version, ciphers):
	context = dicom.client_context(pki, "angio")
	context.minimum_version = context.maximum_version = version
	context.set_ciphers(ciphers)
	return context


with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs)
	distrusts = dicom.client_context(t.pki, "angio", ca="stranger-ca")
	attempts = [
		(old(t.pki, ssl.TLSVersion.TLSv1_1, "DEFAULT:@SECLEVEL=0"), "tls-version"),
		(old(t.pki, ssl.TLSVersion.TLSv1_2, "AES256-SHA256"), "tls-no-common"),
		(distrusts, "tls-peer-refused"),
	]
	for context, reason in attempts:
		assert t.is_refused(gateway, context=context), reason
		gateway.wait_audit(event="association", outcome="refused", reason=reason)

	for noise in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 100,
		      dicom.associate_rq(contexts=[XA_CONTEXT])):
		with socket.create_connection(("127.0.0.1", gateway.port)) as plain:
			plain.sendall(noise)
			plain.settimeout(dicom.PATIENCE)
			while plain.recv(4096):
				pass
	eventually(lambda: len(gateway.audit(reason="not-tls")) == 3)

	context = old(t.pki, ssl.TLSVersion.TLSv1_2, "DEFAULT")
	session = t.connect(gateway, context=context).sock.session
	with socket.create_connection(("127.0.0.1", gateway.port)) as again, \
	     context.wrap_socket(again, session=session) as resumed:
		assert not resumed.session_reused, "every handshake is a full one"

	strict = t.gateway(pacs, {"listen.0.tls.min_version": "1.3"})
	tls12 = old(t.pki, ssl.TLSVersion.TLSv1_2, "DEFAULT")
	assert t.is_refused(strict, context=tls12)
	strict.wait_audit(outcome="refused", reason="tls-version")
	assert not t.is_refused(gateway, context=tls12), "TLS 1.2 is good enough by default"
