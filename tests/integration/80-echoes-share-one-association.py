"""Goal: C-ECHOs passed on to the PACS use the association that is open, also for a modality
that gives every message the same id."""
from dicom import XA_CONTEXT
from harness import Test
from objects import IMPLICIT, VERIFICATION, make

with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs, {"modalities.0.echo": "destination"})
	modality = t.associate(gateway, contexts=[XA_CONTEXT, (3, VERIFICATION, [IMPLICIT])])
	for _ in range(5):
		modality.next_id = 0
		assert modality.echo(3).status == 0
	modality.next_id = 0
	assert modality.store(make("explicit")).status == 0
	modality.release()
	assert pacs.connections == 1
