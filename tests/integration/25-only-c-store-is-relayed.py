"""Goal: another command on a storage context gets 0211, with or without a data set, and the
PACS never hears of it."""
from dicom import C_FIND_RQ, NO_DATA_SET
from harness import Test
from objects import XA, make

N_GET_RQ = 0x0110

with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs)
	modality = t.associate(gateway)
	modality.send_command(1, {0x0002: XA, 0x0100: C_FIND_RQ, 0x0110: 77, 0x0700: 0,
				  0x0800: 1})
	modality.send_data(1, b"\x10\0\x20\0LO\0\0")
	answer = modality.receive()
	assert answer.status == 0x0211 and answer.command[0x0120] == 77, answer
	assert answer.command[0x0100] == C_FIND_RQ | 0x8000, answer
	modality.send_command(1, {0x0003: XA, 0x0100: N_GET_RQ, 0x0110: 78,
				  0x0800: NO_DATA_SET})
	assert modality.receive().status == 0x0211
	assert modality.store(make("explicit")).status == 0
	assert pacs.stored.qsize() == 1
