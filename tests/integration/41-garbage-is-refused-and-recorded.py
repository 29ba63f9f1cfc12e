"""Goal: a certified modality may still send nonsense instead of an A-ASSOCIATE-RQ: it is
cut off at once, with its reason, and the PACS hears nothing."""
import os
import struct

import dicom
from dicom import XA_CONTEXT, Aborted, Closed, Rejection
from harness import Test

GOOD = dicom.associate_rq(contexts=[XA_CONTEXT])


def request(*contexts):
	return dicom.associate_rq(contexts=contexts)


def patched(at, replacement):
	return GOOD[:at] + replacement + GOOD[at + len(replacement):]


CASES = {
	"text": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "not-dicom"),
	"noise": (b"\xff" + os.urandom(300), "not-dicom"),
	"P-DATA first": (dicom.pdu(dicom.P_DATA, b"\0\0\0\2\1\3"), "not-dicom"),
	"announces 4 GiB": (struct.pack(">BBI", 1, 0, 0xFFFFFFFF), "malformed"),
	"1 MiB": (dicom.pdu(1, GOOD[6:] + dicom.item(0x20, bytes(60000)) * 18), "malformed"),
	"too short": (dicom.pdu(1, b"\0\1\0\0"), "malformed"),
	"item leads outside": (patched(76, b"\xff\xff"), "malformed"),
	"no context": (request(), "malformed"),
	"duplicate context ids": (request(XA_CONTEXT, XA_CONTEXT), "malformed"),
	"context without a head": (request(dicom.item(0x20, b"\1")), "malformed"),
}


def is_cut_off(association, content):
	try:
		association.send(content)
		return isinstance(association.read_answer(), Rejection)
	except (Aborted, Closed, OSError):
		return True


with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs)
	missed = []
	for name, (content, reason) in CASES.items():
		before = len(gateway.audit(event="association", outcome="refused"))
		if not is_cut_off(t.connect(gateway), content):
			missed.append(f"{name}: got in")
		line = gateway.wait_audit_beyond(before, event="association",
						 outcome="refused")
		if line.get("reason") != reason:
			missed.append(f"{name}: {line}")

	with_abort = t.connect(gateway)
	with_abort.abort()
	gateway.wait_audit(event="association", reason="peer-abort")
	assert pacs.connections == 0
	assert not missed, "\n".join(missed)
	t.associate(gateway).release()
