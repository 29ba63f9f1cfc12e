"""Goal: a PACS that refuses early does not hide from the audit log that the data set's SOP
class was not allowed: the modality and the log both have our own refusal."""
from harness import Test
from objects import XA, make


def refuse_early(association):
	association.accept()
	message = association.receive_command()
	association.read_pdv()
	association.respond(message, 0xA900)
	while not association.read_pdv()[2]:
		pass
	association.serve()


with Test() as t:
	gateway = t.gateway(t.pacs(refuse_early), {"modalities.0.sop_classes": [XA]})
	modality = t.associate(gateway)
	report = make("dose-sr", 5000000)
	assert modality.store(report, elements={0x0002: XA}).status == 0x0124
	line, = gateway.audit(event="instance")
	assert (line["outcome"], line["reason"]) == ("refused", "sop-class-not-allowed"), line
	assert line["status"] == "0124", line
