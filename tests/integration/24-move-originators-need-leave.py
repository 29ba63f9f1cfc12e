"""Goal: an instance moved on another's behalf passes only when that originator is allowed;
refused with 0124, and the association goes on. A message id of 0 alone is nobody's: senders
that carry out no C-MOVE write it."""
from harness import Test
from objects import make

MOVED = {0x1030: "ARCHIVE", 0x1031: 7}

with Test() as t:
	pacs = t.pacs()
	strict = t.gateway(pacs)
	modality = t.associate(strict)
	assert modality.store(make("explicit"), elements=MOVED).status == 0x0124
	assert modality.store(make("explicit"), elements={0x1031: 7}).status == 0x0124
	assert modality.store(make("explicit"), elements={0x1031: 0}).status == 0
	strict.wait_audit(event="instance", outcome="refused", reason="move-originator",
			  status="0124")
	assert pacs.stored.qsize() == 1

	lenient = t.gateway(pacs, {"modalities.0.move_originators": ["ARCHIVE"]})
	modality = t.associate(lenient)
	assert modality.store(make("explicit"), elements=MOVED).status == 0
	assert modality.store(make("explicit"), elements={**MOVED, 0x1030: "OTHER"}).status \
		== 0x0124
