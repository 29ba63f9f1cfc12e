"""Goal: whoever floods the gateway with handshakes pushes out its own oldest one, neither
another address's nor one whose certificate is proved."""
import pathlib
import socket

import dicom
from dicom import XA_CONTEXT, Association, Request
from harness import Test, eventually
from objects import make

PLACES, FLOOD = 8, 20
FLOODER, OTHER = ("127.0.0.1", 0), ("127.0.0.2", 0)


def silent(source):
	return socket.create_connection(("127.0.0.1", gateway.port), dicom.PATIENCE,
					source_address=source)


def flood():
	"""Returns when those that were too many are closed."""
	flooders = [silent(FLOODER) for _ in range(FLOOD)]
	for sock in flooders[:FLOOD - PLACES]:
		assert sock.recv(1) == b""
	return flooders


def is_read(association):
	"""Whether the gateway has taken all that came on this connection."""
	port = association.sock.getsockname()[1]
	for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
		_, local, remote, _, queues, *_ = line.split()
		if (int(local.split(":")[1], 16), int(remote.split(":")[1], 16)) \
		   == (gateway.port, port):
			return queues.endswith(":00000000")


with Test() as t:
	gateway = t.gateway(t.pacs(), {"limits.max_handshakes": PLACES,
				       "limits.handshake_seconds": 100})
	slow = silent(OTHER)
	context = dicom.client_context(t.pki, "angio")
	flooders = flood()
	slow = Association(context.wrap_socket(slow, server_hostname="gateway.test"))
	assert isinstance(slow.request(contexts=[XA_CONTEXT]), Request)
	assert slow.store(make("explicit")).status == 0

	proved = t.connect(gateway)
	request = dicom.associate_rq(contexts=[XA_CONTEXT])
	# The first part may be read with the handshake's end, the second is read after it.
	for part in (request[:100], request[100:101]):
		proved.send(part)
		eventually(lambda: is_read(proved))
	flooders += flood()
	proved.send(request[101:])
	assert isinstance(proved.read_answer(), Request)
	assert proved.store(make("explicit")).status == 0
