"""Goal: told a second time, the gateway no longer waits for the instance in hand, and the
log says that it was the stop that ended it."""
import threading

from dicom import PATIENCE
from harness import Test, eventually
from objects import make


def take(association):
	association.accept()
	association.await_pdv()
	in_hand.set()
	association.serve()


def is_shut():
	try:
		t.connect(gateway).close()
	except OSError:
		return True


with Test() as t:
	in_hand = threading.Event()
	gateway = t.gateway(t.pacs(take), {"limits.grace_seconds": 60})
	modality, obj = t.associate(gateway), make("explicit")
	modality.store_command(obj)
	modality.send_data(1, obj.data[:1000], last=False)
	assert in_hand.wait(PATIENCE)

	gateway.signal()
	eventually(is_shut)
	assert gateway.associations(), "the instance in hand has its grace"
	gateway.signal()
	assert gateway.process.wait(PATIENCE) == 0
	line, = gateway.audit(event="instance")
	assert (line["outcome"], line["reason"]) == ("failed", "gateway-stopping"), line
	line, = gateway.audit(event="association", outcome="aborted")
	assert line["reason"] == "gateway-stopping", line
	assert [line["event"] for line in gateway.audit()[-2:]] == ["stop", "checkpoint"]
	assert "bug:" not in gateway.log()
