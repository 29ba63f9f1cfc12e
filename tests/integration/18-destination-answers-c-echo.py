"""Goal: with echo = "destination" the PACS answers C-ECHO; with "gateway" it isn't asked."""
from dicom import ECHO_CONTEXT, PATIENCE, XA_CONTEXT
from harness import Test

with Test() as t:
	pacs = t.pacs()
	passed_on = t.associate(t.gateway(pacs, {"modalities.0.echo": "destination"}),
				contexts=[ECHO_CONTEXT])
	assert passed_on.echo(3).status == 0
	passed_on.release()
	assert pacs.stored.get(timeout=PATIENCE).command[0x0100] == 0x0030

	both = t.associate(t.gateway(pacs), contexts=[XA_CONTEXT, ECHO_CONTEXT])
	assert both.accepted.answers[3] == (0, "1.2.840.10008.1.2"), both.accepted
	assert both.echo(3).status == 0
	both.release()
	assert pacs.stored.empty()
