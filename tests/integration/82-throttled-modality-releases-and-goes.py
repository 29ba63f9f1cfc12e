"""Goal: a modality with a limited bandwidth that asks for release and closes at once has
released, as one without a limit."""
from dicom import release_pdu
from harness import Test
from objects import make

with Test() as t:
	for bytes_per_second in (0, 30000):
		gateway = t.gateway(t.pacs(), {
			"modalities.0.max_bytes_per_second": bytes_per_second})
		modality = t.associate(gateway)
		assert modality.store(make("explicit", size=60000)).status == 0
		modality.send(release_pdu())
		modality.close()
		gateway.wait_audit(event="association", outcome="released")
