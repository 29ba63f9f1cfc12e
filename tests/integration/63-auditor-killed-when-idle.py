"""Goal: an auditor that is replaced between two instances costs the open association
nothing: the next refusal and the next success are told and recorded."""
from harness import Test
from objects import make

MOVED = {0x1030: "ARCHIVE", 0x1031: 7}

with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs)
	modality = t.associate(gateway)
	for elements, status, outcome in ((MOVED, 0x0124, "refused"),
					  ({}, 0x0000, "forwarded")):
		obj = make("explicit")
		gateway.replace("auditor")
		answer = modality.store(obj, elements=elements)
		assert answer.status == status, f"{answer.status:04X}"
		line, = gateway.audit(event="instance", sop_instance=obj.sop_instance)
		assert line["outcome"] == outcome and line["modality"] == "angio", line
	modality.release()
	gateway.wait_audit(event="association", outcome="released")
	assert pacs.stored.qsize() == 1
