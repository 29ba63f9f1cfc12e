"""Goal: the PACS's status reaches the modality with comment and offending elements; the
audit log has it as what it is, and no log has the comment."""
from harness import Test
from objects import make

STATUSES = {	# status: outcome
	0x0000: "forwarded", 0xB000: "forwarded", 0xB006: "forwarded", 0xB007: "forwarded",
	0x0001: "forwarded", 0x0107: "forwarded", 0x0116: "forwarded", 0xBFFF: "forwarded",
	0xA700: "failed", 0xA7FF: "failed", 0xA900: "failed", 0xC001: "failed",
	0x0110: "failed", 0x0122: "failed", 0x0124: "failed", 0x0002: "failed",
	0x0106: "failed", 0x0117: "failed", 0x0210: "failed", 0xFE00: "failed",
}
COMMENT = {0x0902: "Unlikely birthday of Secret^Name", 0x0901: b"\x10\0\x30\0"}


def answer_each(association):
	association.accept()
	for status in STATUSES:
		association.respond(association.receive(), status, elements=COMMENT)
	association.serve()


with Test() as t:
	gateway = t.gateway(t.pacs(answer_each))
	modality = t.associate(gateway)
	for status, outcome in STATUSES.items():
		obj = make("explicit")
		response = modality.store(obj)
		assert response.status == status, f"{response.status:04X} not {status:04X}"
		for element, value in COMMENT.items():
			assert response.command[element] == value, response
		line, = gateway.audit(event="instance", sop_instance=obj.sop_instance)
		assert line["outcome"] == outcome, line
		assert line["status"] == f"{status:04X}", line
		assert line.get("reason") == (
			"destination-status" if outcome == "failed" else None), line
	modality.release()
	assert "Secret" not in gateway.log() + gateway.audit_file.read_text()
	assert "birthday" not in gateway.log() + gateway.audit_file.read_text()
