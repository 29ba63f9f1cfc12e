"""Goal: nonsense within an association ends it alone: a PDU that announces 4 GiB, PDVs that
don't add up, unknown contexts and PDU types, commands no one can read."""
import struct

import dicom
from dicom import Aborted, Closed
from harness import Test, eventually
from objects import XA, make


def pdv(context, flags, content, size=None):
	return struct.pack(">IBB", size or len(content) + 2, context, flags) + content


def store_rq(**changed):
	elements = {0x0002: XA, 0x0100: 1, 0x0110: 1, 0x0700: 0, 0x0800: 1, 0x1000: "1.2.3"}
	return dicom.command({**elements,
			      **{int(k[1:], 16): v for k, v in changed.items()}})


def data(content):
	return dicom.pdu(dicom.P_DATA, content)


CASES = {
	"4 GiB": struct.pack(">BBI", dicom.P_DATA, 0, 0xFFFFFFFF),
	"over our maximum": struct.pack(">BBI", dicom.P_DATA, 0, 200000) + bytes(200000),
	"PDV leads outside": data(pdv(1, 3, b"abcd", size=5000)),
	"PDV of length 0": data(struct.pack(">I", 0)),
	"unknown PDU": dicom.pdu(0x2A, b"abcd"),
	"a second A-ASSOCIATE-RQ": dicom.associate_rq(contexts=[dicom.XA_CONTEXT]),
	"unknown context": data(pdv(77, 3, store_rq())),
	"data before a command": data(pdv(1, 2, b"abcd")),
	"command of noise": data(pdv(1, 3, b"\xff" * 64)),
	"command that leads outside": data(pdv(1, 3, b"\0\0\2\0\xff\xff\0\0ab")),
	"no message id": data(pdv(1, 3, dicom.command({0x0002: XA, 0x0100: 1,
						       0x0800: 1, 0x1000: "1.2.3"}))),
	"endless command": data(pdv(1, 1, b"\0" * 16000)) * 5,
}

with Test() as t:
	gateway = t.gateway(t.pacs(), {"limits.store_seconds": 10})
	bystander = t.associate(gateway)
	missed = []
	for name, content in CASES.items():
		modality = t.associate(gateway)
		before = len(gateway.audit(event="association", outcome="aborted"))
		try:
			modality.send(content)
			modality.read_pdu()
			missed.append(f"{name}: it went on")
		except (Aborted, Closed, OSError):
			pass
		line = gateway.wait_audit_beyond(before, event="association",
						 outcome="aborted")
		if line.get("reason") != "malformed":
			missed.append(f"{name}: {line.get('reason')}, {line.get('detail')}")
	assert not missed, "\n".join(missed)
	assert bystander.store(make("explicit")).status == 0
	bystander.release()
	eventually(lambda: not gateway.associations())
