"""Goal: more instances in a minute than an entry, or an address, may send are not refused but wait
for their turn, their data sets unread. A goodbye waits for none, nor does a stop; one that is gone
frees its place; a reload counts at once."""
import socket
import struct

from dicom import ECHO_CONTEXT, XA_CONTEXT, Rejection
from harness import Test
from objects import make

SLOWLY = {"modalities.0.max_associations": 1, "modalities.0.max_instances_per_minute": 1}


def begin(modality):
	"""One instance is stored, and the next sent: it has to wait a minute."""
	assert modality.store(make("explicit")).status == 0
	obj = make("explicit")
	modality.store_command(obj)
	modality.send_data(1, obj.data)
	return obj


def answer(modality, obj):
	response = modality.receive()
	assert (response.status, response.command[0x1000]) == (0, obj.sop_instance), response


with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs, SLOWLY)

	# It waits, while another would be served at once; then a reload lifts the limit.
	modality = t.associate(gateway)
	held = begin(modality)
	assert isinstance(t.connect(gateway).request(contexts=[XA_CONTEXT]), Rejection)
	assert len(gateway.audit(event="instance")) == 1
	gateway.reload({**SLOWLY, "modalities.0.max_instances_per_minute": 0})
	answer(modality, held)
	for _ in range(50):
		assert modality.store(make("explicit")).status == 0
	modality.release()
	stored = 52
	assert len(gateway.audit(event="instance", outcome="forwarded")) == stored

	# What is no instance uses up no turn, and a release waits for none.
	gateway.reload(SLOWLY)
	modality = t.associate(gateway, contexts=[XA_CONTEXT, ECHO_CONTEXT])
	for _ in range(20):
		assert modality.echo(ECHO_CONTEXT[0]).status == 0
	assert modality.store(make("explicit")).status == 0
	assert modality.echo(ECHO_CONTEXT[0]).status == 0
	modality.release()
	stored += 1

	# One that is reset while it is held back frees its place.
	modality = t.associate(gateway)
	begin(modality)
	modality.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
	modality.sock.close()
	gateway.wait_audit(event="association", outcome="aborted", reason="peer-lost")
	stored += 1
	assert len(gateway.audit(event="instance", outcome="forwarded")) == stored

	# An address's share: of two a minute, each of its two associations has one.
	gateway.reload({"limits.instances_per_address_per_minute": 2})
	modalities = [t.associate(gateway) for _ in range(2)]
	held = [begin(modality) for modality in modalities]
	stored += 2
	t.associate(gateway).release()
	assert len(gateway.audit(event="instance", outcome="forwarded")) == stored
	gateway.reload({})
	for modality, obj in zip(modalities, held):
		answer(modality, obj)
		modality.release()
	stored += 2

	# Told to stop, nobody is waited for who waits for a turn.
	gateway.reload(SLOWLY)
	modality = t.associate(gateway)
	begin(modality)
	assert gateway.stop() == 0
	assert gateway.audit(event="association", reason="gateway-stopping")
	assert len(gateway.audit(event="instance", outcome="forwarded")) == stored + 1
	assert not gateway.audit(event="instance", outcome="refused")
