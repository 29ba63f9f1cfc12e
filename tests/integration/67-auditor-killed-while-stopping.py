"""Goal: an auditor that dies while the gateway stops is replaced: the instance in hand is
still recorded and acknowledged, and `stop` is the last line."""
import os
import signal
import threading

from dicom import PATIENCE
from harness import Test, eventually, is_alive
from objects import make


def take_the_first_bytes(association):
	association.accept()
	association.await_pdv()
	in_hand.set()
	association.serve()


with Test() as t:
	in_hand = threading.Event()
	gateway = t.gateway(t.pacs(take_the_first_bytes), {"limits.grace_seconds": 20})
	modality = t.associate(gateway)
	obj = make("explicit")
	modality.store_command(obj)
	modality.send_data(1, obj.data[:1000], last=False)
	assert in_hand.wait(PATIENCE)

	gateway.signal()
	auditor = gateway.helper("auditor")
	os.kill(auditor, signal.SIGKILL)
	eventually(lambda: not is_alive(auditor))
	modality.send_data(1, obj.data[1000:])
	assert modality.receive().status == 0
	assert gateway.process.wait(PATIENCE) == 0
	told = [(line["event"], line.get("outcome")) for line in gateway.audit()]
	assert [words for words in told if words[0] != "checkpoint"][2:] == [
		("instance", "forwarded"), ("association", "aborted"), ("stop", None)]
