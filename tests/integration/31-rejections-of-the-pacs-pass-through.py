"""Goal: when the PACS rejects the association, the modality gets its very codes."""
from dicom import XA_CONTEXT, Rejection
from harness import Test

CODES = [(1, 1, 1), (1, 1, 3), (1, 1, 7), (2, 1, 1), (1, 2, 2), (2, 3, 1), (2, 3, 2)]

with Test() as t:
	codes = iter(CODES)
	gateway = t.gateway(t.pacs(lambda association: association.reject(*next(codes))))
	for code in CODES:
		answer = t.connect(gateway).request(contexts=[XA_CONTEXT])
		assert answer == Rejection(*code), f"{answer} not {code}"
	refused = gateway.audit(event="association", outcome="refused",
				reason="destination-rejected")
	assert len(refused) == len(CODES), refused
