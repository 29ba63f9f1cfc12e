"""Goal: command and data in one PDU, many PDVs in one, one byte each, empty ones, the next
request or the release without waiting: all is legal and all arrives."""
import struct

import dicom
from harness import Test
from objects import XA, make


def pdv(content, is_command, last):
	return struct.pack(">IBB", len(content) + 2, 1, is_command | last << 1) + content


def store_rq(obj, number):
	return dicom.command({0x0002: XA, 0x0100: 1, 0x0110: number, 0x0700: 0, 0x0800: 1,
			      0x1000: obj.sop_instance})


def one_pdu(command, data):
	return dicom.pdu(dicom.P_DATA, pdv(command, 1, 1) + pdv(data[:1000], 0, 0)
			 + pdv(data[1000:], 0, 1))


def crumbs(command, data):
	parts = [pdv(command[at:at + 2], 1, at + 2 >= len(command))
		 for at in range(0, len(command), 2)]
	parts += [pdv(data[at:at + 10], 0, 0) for at in range(0, len(data), 10)]
	return b"".join(dicom.pdu(dicom.P_DATA, b"".join(parts[at:at + 100]))
			for at in range(0, len(parts), 100)) \
		+ dicom.pdu(dicom.P_DATA, pdv(b"", 0, 1))


def check(modality, obj, number):
	response = modality.receive()
	assert response.status == 0 and response.command[0x0120] == number, response
	assert pacs.stored.get(timeout=dicom.PATIENCE).data == obj.data


with Test() as t:
	pacs = t.pacs()
	modality = t.associate(t.gateway(pacs))
	for pack in (one_pdu, crumbs):
		obj = make("explicit")
		modality.send(pack(store_rq(obj, 1), obj.data))
		check(modality, obj, 1)

	objects = [make("explicit") for _ in range(5)]
	for number, obj in enumerate(objects, 100):
		modality.send(one_pdu(store_rq(obj, number), obj.data))
	modality.send(dicom.release_pdu())
	for number, obj in enumerate(objects, 100):
		check(modality, obj, number)
	modality.expect(dicom.RELEASE_RP)
