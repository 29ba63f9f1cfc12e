"""Goal: of two objects with the same SOP instance the destination gets the newer one last, also
when the older one has to wait and the newer one is of another study."""
import dataclasses

import dicom
import spool
from harness import Test, eventually
from objects import make

with Test() as t:
	left, arrived = {}, dicom.Arrivals()

	def serve(association):
		association.accept()
		while (message := association.receive()) is not None:
			if left.get(message.data, 0) > 0:
				left[message.data] -= 1
				association.respond(message, 0xA700)
				continue
			arrived.put(message.data)
			association.respond(message)
		association.send(dicom.release_pdu(dicom.RELEASE_RP))

	gateway = t.gateway(t.pacs(serve), spool.changes(t, retry_max_seconds=3))
	first = make("explicit", size=2000)
	elsewhere = make("explicit", size=2000)
	while len(elsewhere.sop_instance) != len(first.sop_instance):
		elsewhere = make("explicit", size=2000)
	assert elsewhere.study != first.study
	elsewhere = dataclasses.replace(
		elsewhere, sop_instance=first.sop_instance,
		data=elsewhere.data.replace(elsewhere.sop_instance.encode(), first.sop_instance.encode()))
	corrected = dataclasses.replace(first, data=first.data[:-2] + b"\x07\x07")
	neighbour = make("explicit", size=2000, study=first.study)
	left[first.data] = 4

	modality = t.associate(gateway)
	assert modality.store(first).status == 0
	eventually(lambda: left[first.data] < 2)	# now it waits alone
	for obj in (corrected, elsewhere, neighbour):
		assert modality.store(obj).status == 0
	modality.release()
	spool.wait_delivered(t)
	came = list(arrived.queue)
	came.remove(neighbour.data)
	assert came == [obj.data for obj in (first, corrected, elsewhere)]
