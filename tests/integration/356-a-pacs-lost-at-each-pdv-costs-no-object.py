"""Goal: in spool.mode "fallback" a PACS that goes at any PDV of an object, behind the last one
too, costs nothing: the modality hears success, and the PACS gets the object, bit for bit,
once it is back. Objects that stay in memory meanwhile and such that don't."""

import dicom
import spool
from harness import Test
from objects import make

SIZES = {40000: 4096, 1_400_000: 131072}	# beside the PACS's largest PDU

with Test() as t:
	stored = dicom.Arrivals()
	largest, left = [0], [None]	# PDVs, until the PACS goes once

	def serve(association):
		association.accept(max_pdu=largest[0])
		patience, left[0] = left[0], None
		if patience is not None:
			for _ in range(patience):
				association.read_pdv()
			return
		while (message := association.receive()) is not None:
			stored.put(message.data)
			association.respond(message)
		association.send(dicom.release_pdu(dicom.RELEASE_RP))

	gateway = t.gateway(t.pacs(serve), spool.changes(t, "fallback"))
	for size, largest[0] in SIZES.items():
		obj = make("explicit", size=size)
		count = 1 + -(-len(obj.data) // (largest[0] - 6))
		for patience in range(count + 1):
			obj = make("explicit", size=size)
			left[0] = patience
			modality = t.associate(gateway)
			assert modality.store(obj).status == 0, (size, patience)
			modality.release()
			line = gateway.wait_audit(event="instance", sop_instance=obj.sop_instance)
			# Before the first PDV the gateway either sees the loss and calls the PACS again, or
			# has sent that PDV already.
			outcomes = {"spooled"} if patience else {"forwarded", "spooled"}
			assert line["outcome"] in outcomes, (size, patience, line)
			assert stored.get() == obj.data, (size, patience)
			assert stored.empty()
			spool.wait_delivered(t)
		print(f"{size} bytes: lost at each of {count} PDVs")
