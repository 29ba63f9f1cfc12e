"""Goal: a PACS that refuses in mid-object is heard, whether it listens on or hangs up; one
that reports success before the object's end is not believed."""
from harness import Test
from objects import make


def early(status, then):
	def script(association):
		association.accept()
		message = association.receive_command()
		association.read_pdv()
		association.respond(message, status)
		then(association)
	return script


def listen_on(association):
	while not association.read_pdv()[2]:
		pass
	association.serve()


def hang_up(association):
	association.close()


def outcome(status, then):
	gateway = t.gateway(t.pacs(early(status, then)))
	modality = t.associate(gateway)
	said = modality.store(make("explicit", size=9000000)).status
	line, = gateway.audit(event="instance")
	return said, line["outcome"], line["reason"]


with Test() as t:
	assert outcome(0xA900, listen_on) == (0xA900, "failed", "destination-status")
	said, kind, _ = outcome(0xA702, hang_up)
	assert said & 0xFF00 == 0xA700 and kind == "failed"
	for status in (0x0000, 0xB000, 0x0107):
		said, kind, reason = outcome(status, listen_on)
		assert said & 0xFF00 == 0xA700, f"{said:04X} for half an object"
		assert (kind, reason) == ("failed", "destination-protocol"), (kind, reason)
