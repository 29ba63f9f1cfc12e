"""Goal: a modality that sends a study again which the PACS has already, and answers object by object
with 0111, hears every answer however many they are: only what the gateway refused counts against it."""
from dataclasses import replace

from dicom import Aborted, Closed, release_pdu
from harness import Test
from objects import make

DUPLICATES, AT_ONCE = 5100, 100		# more than are borne of those in vain


def has_all(association):
	association.accept()
	try:
		while (message := association.receive()) is not None:
			association.respond(message, 0x0111)
		association.send(release_pdu(6))
	except (Aborted, Closed):
		pass


with Test() as t:
	gateway = t.gateway(t.pacs(has_all))
	modality = t.associate(gateway)
	base = make("explicit", size=100)
	base = replace(base, data=base.data[:1000])
	for begin in range(0, DUPLICATES, AT_ONCE):
		for number in range(begin, begin + AT_ONCE):
			obj = replace(base, sop_instance=f"1.2.3.{number}")
			modality.store_command(obj)
			modality.send_data(1, obj.data)
		assert {modality.receive().status for _ in range(AT_ONCE)} == {0x0111}
	modality.release()
	gateway.wait_audit(event="association", outcome="released")
	lines = gateway.audit(event="instance", outcome="failed", reason="destination-status")
	assert len({line["sop_instance"] for line in lines}) == DUPLICATES, len(lines)
