"""Goal: told to stop, the gateway lets the instance in hand finish within the grace, and
ends it when the grace is over; new ones are refused meanwhile."""
import signal
import threading

from dicom import PATIENCE
from harness import Test, eventually
from objects import make


def take(association):
	association.accept()
	association.await_pdv()
	in_hand.set()
	association.serve(stored=pacs.stored)


def half_sent(gateway):
	in_hand.clear()
	obj = make("explicit", size=400000)
	modality = t.associate(gateway)
	modality.store_command(obj)
	modality.send_data(1, obj.data[:200000], last=False)
	assert in_hand.wait(PATIENCE)
	return modality, obj


def is_shut(gateway):
	try:
		t.connect(gateway).close()
	except OSError:
		return True


with Test() as t:
	in_hand = threading.Event()
	pacs = t.pacs(take)
	patient = t.gateway(pacs, {"limits.grace_seconds": 20})
	modality, obj = half_sent(patient)
	patient.signal(signal.SIGTERM)
	eventually(lambda: is_shut(patient))
	modality.send_data(1, obj.data[200000:])
	assert modality.receive().status == 0, "it was in hand: it may finish"
	assert pacs.stored.get(timeout=PATIENCE).data == obj.data
	assert patient.process.wait(PATIENCE) == 0
	assert patient.audit(event="instance", outcome="forwarded")
	assert [line["event"] for line in patient.audit()[-2:]] == ["stop", "checkpoint"]

	strict = t.gateway(pacs, {"limits.grace_seconds": 1})
	modality, obj = half_sent(strict)
	strict.signal(signal.SIGTERM)
	assert strict.process.wait(PATIENCE) == 0
	line, = strict.audit(event="instance")
	assert (line["outcome"], line["reason"]) == ("failed", "gateway-stopping"), line
	assert line["detail"] == "the gateway was told to stop", "its process was not killed"
	assert pacs.stored.empty()
