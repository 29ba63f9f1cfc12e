"""Goal: the auditor dies while the PACS still thinks: no success is told without a durable
record, a new auditor takes over, and the log goes on without a gap or a torn line."""
import os
import signal
import threading

from dicom import PATIENCE, XA_CONTEXT, Aborted, Closed, Request
from harness import Test, eventually, is_alive
from objects import make


def hold_back(association):
	association.accept()
	while (message := association.receive()) is not None:
		received.set()
		go_on.wait()
		association.respond(message)


def try_again():
	try:
		association = t.connect(gateway)
		if not isinstance(association.request(contexts=[XA_CONTEXT]), Request):
			return False
		return association.store(make("explicit")).status == 0
	except (Aborted, Closed, OSError):
		return False


with Test() as t:
	received, go_on = threading.Event(), threading.Event()
	gateway = t.gateway(t.pacs(hold_back))
	obj = make("explicit")
	modality = t.associate(gateway)
	modality.store_command(obj)
	modality.send_data(1, obj.data)
	assert received.wait(PATIENCE)

	auditor = gateway.helper("auditor")
	os.kill(auditor, signal.SIGKILL)
	go_on.set()
	try:
		status = modality.receive().status
		assert status & 0xFF00 == 0xA700, f"{status:04X} without a record"
		modality.read_pdu()
		raise AssertionError("the association went on")
	except (Aborted, Closed):
		pass

	assert eventually(try_again), "a new auditor takes over"
	assert not is_alive(auditor)
	numbers = [line["seq"] for line in gateway.audit()]
	assert numbers == list(range(len(numbers))), numbers
	line, = gateway.audit(event="instance", sop_instance=obj.sop_instance)
	assert line["outcome"] in ("forwarded", "unconfirmed"), "the PACS may hold it"
