"""Goal: a PACS that is away means a transient rejection; when it is back, all is well."""
from dicom import XA_CONTEXT, Rejection
from harness import Test
from objects import make

with Test() as t:
	gone = t.pacs()
	gone.close()
	gateway = t.gateway(gone)
	answer = t.connect(gateway).request(contexts=[XA_CONTEXT])
	assert isinstance(answer, Rejection) and answer.result == 2, answer
	gateway.wait_audit(event="association", outcome="refused",
			   reason="destination-unreachable", destination="pacs")

	pacs = t.pacs(port=gone.port)
	assert t.associate(gateway).store(make("explicit")).status == 0
	assert pacs.stored.qsize() == 1
