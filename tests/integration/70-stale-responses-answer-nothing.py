"""Goal: a PACS's response that is left over from one object never answers for the next,
though the message ID is the same and no SOP instance is named: the PACS is asked anew."""
import struct

import dicom
from dicom import C_STORE_RSP, NO_DATA_SET
from harness import Test
from objects import make

TRUTH = 0xC123


def response(message, status):
	return dicom.command({0x0002: message.command[0x0002], 0x0100: C_STORE_RSP,
			      0x0120: message.command[0x0110], 0x0800: NO_DATA_SET,
			      0x0900: status})


def pdv(context, content):
	return struct.pack(">IBB", len(content) + 2, context, 3) + content


def twice_in_one_pdu(association):
	message = association.receive()
	success = pdv(message.context, response(message, 0))
	association.send(dicom.pdu(dicom.P_DATA, success + success))


def refuses_early_and_late(association):
	"""Once in mid-object, and once more when the next object comes: with a success."""
	message = association.receive_command()
	association.await_pdv()
	association.send_pdvs(message.context, response(message, 0xA700), True)
	while not association.read_pdv()[2]:
		pass
	association.await_pdv()
	association.send_pdvs(message.context, response(message, 0), True)


def pacs_that(leaves_over):
	def script(association):
		association.accept()
		if pacs.connections == 1:
			leaves_over(association)
			association.receive()	# whatever comes is not answered
		else:
			association.serve(TRUTH, stored=pacs.stored)
	pacs = t.pacs(script)
	return pacs


def store(modality, obj):
	modality.next_id = 0	# it always says 1
	modality.store_command(obj)
	modality.send_data(1, obj.data)
	return modality.receive().status


with Test() as t:
	for leaves_over, first in ((twice_in_one_pdu, 0x0000),
				   (refuses_early_and_late, 0xA700)):
		pacs = pacs_that(leaves_over)
		gateway = t.gateway(pacs, {"limits.response_seconds": 5})
		modality = t.associate(gateway)
		name = leaves_over.__name__
		status = store(modality, make("explicit", size=1000000))
		assert status == first, f"{name}: {status:04X}"
		obj = make("explicit")
		status = store(modality, obj)
		assert status == TRUTH, f"{name}: {status:04X}"
		assert pacs.stored.get(timeout=dicom.PATIENCE).data == obj.data
		line, = gateway.audit(event="instance", sop_instance=obj.sop_instance)
		assert line["outcome"] == "failed" and line["status"] == "C123", line
