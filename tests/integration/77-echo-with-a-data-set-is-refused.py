"""Goal: a C-ECHO-RQ that announces a data set is answered with 0211 by the gateway itself,
even where the PACS answers C-ECHO, and the association goes on."""
from dicom import C_ECHO_RQ, ECHO_CONTEXT, XA_CONTEXT
from harness import Test
from objects import VERIFICATION, make

ECHO = ECHO_CONTEXT[0]

with Test() as t:
	for who in ("destination", "gateway"):
		pacs = t.pacs()
		gateway = t.gateway(pacs, {"modalities.0.echo": who,
					   "limits.response_seconds": 5})
		modality = t.associate(gateway, contexts=[XA_CONTEXT, ECHO_CONTEXT])
		modality.send_command(ECHO, {0x0002: VERIFICATION, 0x0100: C_ECHO_RQ,
					     0x0110: 77, 0x0800: 1})
		modality.send_data(ECHO, b"\x08\0\0\0\4\0\0\0\0\0\0\0")
		answer = modality.receive()
		assert answer.status == 0x0211, f"{answer.status:04X}"
		assert answer.command[0x0120] == 77, answer
		assert pacs.stored.empty(), "the PACS was not asked"
		assert modality.echo(ECHO).status == 0
		assert modality.store(make("explicit")).status == 0
		modality.release()
