"""Goal: contexts that policy refuses are not proposed to the PACS; if none is left, the
PACS isn't called; an unallowed class on an allowed context gets 0124."""
from dicom import ECHO_CONTEXT, PATIENCE, XA_CONTEXT
from harness import Test
from objects import DOSE_SR, EXPLICIT, make

DOSE_CONTEXT = (5, DOSE_SR, [EXPLICIT])
FIND_CONTEXT = (9, "1.2.840.10008.5.1.4.1.2.2.1", [EXPLICIT])

with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs, {"modalities.0.sop_classes": ["XRayAngiographicImageStorage"]})
	modality = t.associate(gateway, contexts=[XA_CONTEXT, DOSE_CONTEXT, FIND_CONTEXT])
	results = {key: answer[0] for key, answer in modality.accepted.answers.items()}
	assert results == {1: 0, 5: 1, 9: 3}, results
	assert list(pacs.requests.get(timeout=PATIENCE).contexts) == [1]

	assert modality.store(make("dose-sr")).status == 0x0124
	assert modality.store(make("explicit")).status == 0
	gateway.wait_audit(event="instance", outcome="refused", reason="sop-class-not-allowed",
			   status="0124")
	modality.release()

	assert pacs.connections == 1
	t.associate(gateway, contexts=[DOSE_CONTEXT, ECHO_CONTEXT]).release()
	assert pacs.connections == 1
