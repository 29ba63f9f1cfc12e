"""Goal: an association's process dies: the auditor writes its last line, its place is free,
and the association beside it notices nothing."""
import os
import signal
import threading

from dicom import PATIENCE, Aborted, Closed
from harness import Test, eventually
from objects import make


def hold_back(association):
	association.accept()
	association.await_pdv()
	in_hand.set()
	message = association.receive()
	received.set()
	go_on.wait()
	association.respond(message)
	association.serve()


def kill_newest(gateway, before):
	victim, = set(gateway.associations()) - before
	os.kill(victim, signal.SIGKILL)
	eventually(lambda: victim not in gateway.associations())


with Test() as t:
	in_hand, received, go_on = (threading.Event() for _ in range(3))
	gateway = t.gateway(t.pacs(hold_back))
	bystander, unharmed = t.associate(gateway), make("explicit")
	bystander.store_command(unharmed)
	assert in_hand.wait(PATIENCE)
	in_hand.clear()
	before = set(gateway.associations())

	half = make("explicit", size=400000)
	modality = t.associate(gateway)
	modality.store_command(half)
	modality.send_data(1, half.data[:100000], last=False)
	assert in_hand.wait(PATIENCE)
	kill_newest(gateway, before)
	line = gateway.wait_audit(event="instance", sop_instance=half.sop_instance)
	assert (line["outcome"], line["reason"]) == ("failed", "internal"), line

	whole = make("explicit")
	modality = t.associate(gateway)
	modality.store_command(whole)
	modality.send_data(1, whole.data)
	assert received.wait(PATIENCE)
	kill_newest(gateway, before)
	line = gateway.wait_audit(event="instance", sop_instance=whole.sop_instance)
	assert (line["outcome"], line["reason"]) == ("unconfirmed", "internal"), line
	try:
		modality.read_pdu()
		raise AssertionError("an answer from the dead")
	except (Aborted, Closed):
		pass

	go_on.set()
	bystander.send_data(1, unharmed.data)
	assert bystander.receive().status == 0
	assert len(gateway.audit(event="association", reason="internal")) == 2
	assert t.associate(gateway).store(make("explicit")).status == 0
