"""Goal: a C-STORE-RQ that makes no sense fails with C000 and has its instance line, whatever
of its command set is wrong; the PACS never hears of it, what is sent with it is dropped, and
the next object passes over the same association. Only what no response could name ends it."""
import struct

import dicom
from dicom import C_ECHO_RQ, C_STORE_RQ, ECHO_CONTEXT, NO_DATA_SET, XA_CONTEXT, Aborted
from harness import Test
from objects import VERIFICATION, XA, make

UID = 0x1000


def element(number, value, group=0, size=None):
	if isinstance(value, int):
		value = struct.pack("<H", value)
	if isinstance(value, str):
		value = value.encode() + b"\0" * (len(value) % 2)
	return struct.pack("<HHI", group, number, len(value) if size is None else size) + value


def good(instance="1.2.3"):
	return {0x0002: XA, 0x0100: C_STORE_RQ, 0x0110: 7, 0x0700: 0, 0x0800: 1, UID: instance}


def changed(number, value):
	return b"".join(element(key, value if key == number else old)
			for key, old in good().items() if key != number or value is not None)


def whole():
	return changed(None, None)


CASES = {
	"instance of letters": changed(UID, "1.2.abc"),
	"instance with a leading space": changed(UID, " 1.2.3"),
	"instance of 65 characters": changed(UID, "1." + "2" * 63),
	"instance of 64 KB": changed(UID, "1" * 60000),
	"instance of two": changed(UID, "1.2\\1.3"),
	"empty instance": changed(UID, ""),
	"no instance": changed(UID, None),
	"class of letters": changed(0x0002, "1.2.abc"),
	"class of 70 characters": changed(0x0002, "1." + "2" * 68),
	"no class": changed(0x0002, None),
	"no data set type": changed(0x0800, None),
	"data set type of 4 bytes": changed(0x0800, b"\1\0\0\0"),
	"empty data set type": changed(0x0800, b""),
	"type says no data set": changed(0x0800, NO_DATA_SET),
	"message id of 4 bytes": changed(0x0110, b"\7\0\0\0"),
	"message id of 1 byte": changed(0x0110, b"\7"),
	"command field of 4 bytes": changed(0x0100, b"\1\0\0\0"),
	"instance twice": whole() + element(UID, "1.2.4"),
	"class twice": element(0x0002, XA) + whole(),
	"data set type twice": whole() + element(0x0800, NO_DATA_SET),
	"an element leads outside": whole() + element(0x1030, "MOVER ", size=5000),
	"cut within an element": whole() + b"\0\0\x30",
	"another group": whole() + element(0x0018, "1.2.3", group=8),
}
BORNE = {
	"out of order": element(UID, "1.2.3") + changed(UID, None),
	"wrong group length": element(0, b"\xff\xff\0\0") + whole(),
	"unknown elements": whole() + element(0x5001, b"odd") + element(0x5001, b"twice"),
	"no priority": changed(0x0700, None),
	"instance with a trailing space": changed(UID, "1.2.34 "),
}


def send(modality, content, data):
	modality.send_pdvs(1, content, True)
	if data:
		modality.send_data(1, data)
	answer = modality.receive()
	assert answer.command[0x0120] == 7, answer
	return answer.status


def check_failed(name, data):
	before = len(gateway.audit(event="instance"))
	status = send(modality, CASES[name], data)
	assert status == 0xC000, f"{name}: {status:04X}"
	line = gateway.wait_audit_beyond(before, event="instance")
	assert line["outcome"] == "failed" and line["reason"] == "malformed", line
	assert line["status"] == "C000" and line["detail"], line
	assert line.get("sop_instance") in (None, "1.2.3"), line
	assert modality.store(make("explicit", size=100)).status == 0, name
	assert pacs.stored.get(timeout=dicom.PATIENCE)


with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs, {"limits.max_object_bytes": 100000})
	modality = t.associate(gateway, contexts=[XA_CONTEXT, ECHO_CONTEXT])
	for name in CASES:
		check_failed(name, b"the data set that follows" * 2000)
	for name in ("no data set type", "data set type of 4 bytes", "empty data set type",
		     "type says no data set"):
		check_failed(name, b"")	# nor does one have to follow
	for name, content in BORNE.items():
		status = send(modality, content, make("explicit", size=100).data)
		assert status == 0, f"{name}: {status:04X}"
		assert pacs.stored.get(timeout=dicom.PATIENCE), name

	echo = {0x0002: VERIFICATION, 0x0100: C_ECHO_RQ, 0x0110: 7, 0x0800: NO_DATA_SET}
	for name, wrong in (("class", {0x0002: "1.2.x"}), ("message id", {0x0110: b"\7\0\0\0"})):
		modality.send_command(ECHO_CONTEXT[0], {**echo, **wrong})
		assert modality.receive().status == 0x0212, name
	assert modality.echo(ECHO_CONTEXT[0]).status == 0
	before = len(gateway.audit(event="instance"))
	misplaced = make("explicit")
	assert modality.store(misplaced, ECHO_CONTEXT[0]).status == 0x0211
	line, = gateway.audit(event="instance")[before:]
	assert line["sop_instance"] == misplaced.sop_instance, line
	assert line["outcome"] == "failed" and line["sha256"] == misplaced.sha256, line
	modality.release()
	assert pacs.connections == 1, "one association, to the end"

	for number, value in ((0x0110, None), (0x0110, b"")):
		modality = t.associate(gateway)
		before = len(gateway.audit(event="instance"))
		modality.send_pdvs(1, changed(number, value), True)
		try:
			modality.read_pdu()
			raise AssertionError("no response can name it")
		except Aborted:
			pass
		line = gateway.wait_audit_beyond(before, event="instance")
		assert line["outcome"] == "failed" and line["reason"] == "malformed", line
		assert line["sop_instance"] == "1.2.3" and "status" not in line, line
	assert pacs.stored.empty()

	pensive = t.associate(t.gateway(pacs, {"limits.store_seconds": 5}))
	assert send(pensive, CASES["type says no data set"], b"dropped") == 0xC000
	pensive.sock.settimeout(6)	# longer than it may be silent within an object
	try:
		raise AssertionError(f"PDU {pensive.read_pdu()[0]} came of nothing")
	except TimeoutError:
		pensive.sock.settimeout(dicom.PATIENCE)
	assert pensive.store(make("explicit", size=100)).status == 0

	endless = t.associate(gateway)	# what is dropped has its limit, too
	endless.send_pdvs(1, CASES["type says no data set"], True)
	assert endless.receive().status == 0xC000
	try:
		for _ in range(100):
			endless.send_data(1, bytes(16384), last=False)
		endless.read_pdu()
		raise AssertionError("it was read without end")
	except (Aborted, dicom.Closed, OSError):
		pass
	gateway.wait_audit(event="association", outcome="aborted",
			   detail="a fragment that belongs to no message in hand")
