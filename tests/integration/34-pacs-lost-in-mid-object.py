"""Goal: the PACS dies in mid-object: the modality gets A7xx, the object is recorded as
failed, and the next one goes to a new outbound association."""
from dicom import PATIENCE
from harness import Test
from objects import make


def dies_at_first(association):
	association.accept()
	if pacs.connections == 1:
		for _ in range(3):
			association.read_pdu()
		association.close()
	else:
		association.serve(stored=pacs.stored)


with Test() as t:
	pacs = t.pacs(dies_at_first)
	gateway = t.gateway(pacs)
	modality = t.associate(gateway)
	lost, next_one = make("explicit", size=8000000), make("explicit")
	assert modality.store(lost).status & 0xFF00 == 0xA700
	line, = gateway.audit(event="instance", sop_instance=lost.sop_instance)
	assert line["outcome"] == "failed" and line["reason"] == "destination-lost", line
	assert line["status"].startswith("A7"), line

	assert modality.store(next_one).status == 0
	assert pacs.stored.get(timeout=PATIENCE).data == next_one.data
	assert pacs.connections == 2
	modality.release()
