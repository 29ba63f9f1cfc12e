"""Goal: a message whose fragments come on two presentation contexts is none: the gateway
aborts, and nothing of it reaches the PACS whole."""
import struct

import dicom
from dicom import Aborted
from harness import Test
from objects import EXPLICIT, IMPLICIT, XA, make

CONTEXTS = [(1, XA, [EXPLICIT]), (3, XA, [IMPLICIT])]
DATA, COMMAND, LAST = 0, 1, 2


def pdv(context, flags, content):
	return struct.pack(">IBB", len(content) + 2, context, flags) + content


with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs)
	obj = make("explicit")
	command = dicom.command({0x0002: XA, 0x0100: dicom.C_STORE_RQ, 0x0110: 1,
				 0x0700: 0, 0x0800: 1, 0x1000: obj.sop_instance})
	whole = pdv(1, COMMAND | LAST, command)
	cases = {
		"empty, then the command": pdv(1, COMMAND, b"")
			+ pdv(3, COMMAND | LAST, command),
		"half a command each": pdv(1, COMMAND, command[:20])
			+ pdv(3, COMMAND | LAST, command[20:]),
		"data elsewhere": whole + pdv(3, DATA | LAST, obj.data),
		"half of the data elsewhere": whole + pdv(1, DATA, obj.data[:1000])
			+ pdv(3, DATA | LAST, obj.data[1000:]),
		"empty, then data elsewhere": whole + pdv(1, DATA, b"")
			+ pdv(3, DATA | LAST, obj.data),
	}
	for count, (name, content) in enumerate(cases.items()):
		modality = t.associate(gateway, contexts=CONTEXTS)
		modality.send(dicom.pdu(dicom.P_DATA, content))
		try:
			raise AssertionError(f"{name}: {modality.receive()}")
		except Aborted:
			pass
		line = gateway.wait_audit_beyond(count, event="association",
						 outcome="aborted")
		assert line["reason"] == "malformed", f"{name}: {line}"
	assert pacs.stored.empty()
