"""Goal: of what a modality sends too fast only an instance waits for its turn, its command read
and its data set not. Whoever leaves meanwhile, in whatever way, has left at once: the line says
so, and the PACS hears nothing of the instance. A PACS that leaves meanwhile is called again."""
import queue
import socket
import struct

import dicom
from dicom import ECHO_CONTEXT, NO_DATA_SET, RELEASE_RP, XA_CONTEXT
from harness import Test, eventually
from objects import make

SLOWLY = {"modalities.0.max_associations": 1, "modalities.0.max_instances_per_minute": 1}
RESET_AT_CLOSE = struct.pack("ii", 1, 0)


def is_reset(modality):
	modality.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
	modality.close()


def hangs_up(modality):
	modality.close()


def aborts(modality):
	modality.abort()


def begin(modality, with_data=True):
	obj = make("explicit", size=100)
	modality.store_command(obj)
	if with_data:
		modality.send_data(1, obj.data)
	return obj


def leaves_when_told(association):
	association.accept()
	if pacs.connections > 1:
		association.serve()
		return
	association.respond(association.receive())
	leave.get()
	association.send(dicom.release_pdu())
	association.expect(RELEASE_RP)
	left.put(True)


with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs, SLOWLY)

	# What is no instance does not wait, nor does a data set that nobody announced.
	modality = t.associate(gateway, contexts=[XA_CONTEXT, ECHO_CONTEXT])
	obj = make("explicit", size=100)
	modality.store_command(obj, elements={0x0800: NO_DATA_SET})
	assert modality.receive().status == 0xC000
	modality.send_data(1, obj.data)
	for _ in range(20):
		assert modality.echo(ECHO_CONTEXT[0]).status == 0
	modality.release()

	for leave, with_data, reason in ((is_reset, True, "peer-lost"), (hangs_up, True, "peer-lost"),
					 (hangs_up, False, "peer-lost"), (aborts, False, "peer-abort")):
		modality = t.associate(gateway)
		assert modality.store(make("explicit", size=100)).status == 0
		assert pacs.stored.get(timeout=dicom.PATIENCE)
		before = len(gateway.audit(event="association", outcome="aborted"))
		held = begin(modality, with_data)
		if with_data:
			begin(modality)
		leave(modality)
		line = gateway.wait_audit_beyond(before, event="association", outcome="aborted")
		assert line["reason"] == reason, line
		eventually(lambda: not gateway.associations())
		lines = gateway.audit(event="instance", sop_instance=held.sop_instance)
		assert lines or leave is is_reset	# which may overtake the command
		assert all((line["outcome"], line["reason"]) == ("failed", reason)
			   for line in lines), lines
		assert pacs.stored.empty(), leave.__name__
	assert len(gateway.audit(event="instance", outcome="forwarded")) == 4
	assert not gateway.audit(event="instance", outcome="unconfirmed")

	leave, left = queue.Queue(), queue.Queue()
	pacs = t.pacs(leaves_when_told)
	gateway = t.gateway(pacs, SLOWLY)
	modality = t.associate(gateway)
	assert modality.store(make("explicit", size=100)).status == 0
	held = begin(modality)
	leave.put(True)
	assert left.get(timeout=dicom.PATIENCE), "the PACS's release was answered"
	gateway.reload({**SLOWLY, "modalities.0.max_instances_per_minute": 0})
	response = modality.receive()
	assert (response.status, response.command[0x1000]) == (0, held.sop_instance), response
	modality.release()
	assert pacs.connections > 1
