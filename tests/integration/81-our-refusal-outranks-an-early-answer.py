"""Goal: a PACS that refuses early does not hide that the gateway refuses as well: where the
data set's SOP class is not allowed, or the object is too large, the modality and the log have
our own refusal, also when the PACS has hung up meanwhile."""
from harness import Test
from objects import XA, make

LIMIT = 20000000


def refuse_early(association):
	association.accept()
	message = association.receive_command()
	association.read_pdv()
	association.respond(message, 0xA900)


def listen_on(association):
	refuse_early(association)
	while not association.read_pdv()[2]:
		pass
	association.serve()


def hang_up(association):
	refuse_early(association)
	read = 0
	while read < LIMIT // 2:  # so much that the gateway has heard the answer
		read += len(association.read_pdv()[3])
	association.close()


def refusal(obj, then, **elements):
	gateway = t.gateway(t.pacs(then), {"modalities.0.sop_classes": [XA],
					   "limits.max_object_bytes": LIMIT})
	status = t.associate(gateway).store(obj, **elements).status
	line, = gateway.audit(event="instance")
	assert line["status"] == f"{status:04X}", line
	return status, line["outcome"], line["reason"]


with Test() as t:
	said = refusal(make("dose-sr", 5000000), listen_on, elements={0x0002: XA})
	assert said == (0x0124, "refused", "sop-class-not-allowed"), said
	for then in (listen_on, hang_up):
		status, outcome, reason = refusal(make("explicit", 2 * LIMIT), then)
		assert status & 0xFF00 == 0xA700, f"{status:04X} for an object over the limit"
		assert (outcome, reason) == ("failed", "limit-object"), (outcome, reason)
