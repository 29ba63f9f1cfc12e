"""Goal: connections with a good certificate that never ask for a place are bounded: the oldest of
the address that has the most is ended, and nobody else is."""
import socket

import dicom
from dicom import XA_CONTEXT, Association, Request
from harness import Test, eventually

MANY, MOST = 80, 8


def connect(address):
	sock = socket.create_connection(("127.0.0.1", gateway.port), dicom.PATIENCE,
					source_address=(address, 0))
	return context.wrap_socket(sock, server_hostname="gateway.test")


with Test() as t:
	gateway = t.gateway(t.pacs(), {
		"limits.max_handshakes": MOST, "limits.max_associations": MOST,
		"modalities.0.max_associations": MOST, "limits.associate_seconds": 600,
		"limits.handshakes_per_address_per_minute": 1000000})
	context = dicom.client_context(t.pki, "angio")
	patient = connect("127.0.0.2")
	socks = [connect("127.0.0.7") for _ in range(MANY)]
	# Those that wait, and those that came since the last one was counted.
	eventually(lambda: len(gateway.associations()) <= 2 * MOST)
	gateway.wait_audit(event="association", reason="limit-associations")
	modality = Association(patient)
	assert isinstance(modality.request(contexts=[XA_CONTEXT]), Request)
	modality.release()
	for sock in socks:
		sock.close()
