"""Goal: a modality whose bandwidth is limited and that leaves in mid-object has left: its
place is free at once, not when all it had sent would have been read."""
import socket
import struct

from harness import Test, eventually
from objects import make

BYTES_PER_SECOND = 1024
SIZE = 60000	# of which a connection takes all at once; at that pace it takes a minute
RESET_AT_CLOSE = struct.pack("ii", 1, 0)


def says_goodbye(modality):
	modality.close()


def is_killed(modality):
	modality.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
	modality.close()


with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs, {"modalities.0.max_bytes_per_second": BYTES_PER_SECOND})
	for size, leave in ((SIZE, says_goodbye), (2000000, is_killed)):
		obj = make("explicit", size=size)
		modality = t.associate(gateway)
		modality.store_command(obj)
		modality.send_data(1, obj.data[:size - 1000], last=False)
		leave(modality)
		eventually(lambda: not gateway.associations(), SIZE / BYTES_PER_SECOND - 15)
		line, = gateway.audit(event="instance", sop_instance=obj.sop_instance)
		assert (line["outcome"], line["reason"]) == ("failed", "peer-lost"), line
	assert pacs.stored.empty()
