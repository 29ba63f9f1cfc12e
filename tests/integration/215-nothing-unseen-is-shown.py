"""Goal: what a peer calls himself steers no terminal, turns no line round and hides nothing: not in
the program's log, nor in the journal, the audit messages, `audit tail` or `audit report`. An AE title
that was not let in is told apart from a modality's name."""
import re

import journal
from dicom import XA_CONTEXT, Rejection
from harness import Test, tool
from journal import Journal
from objects import make

UNSEEN = "\u202e\u200b\u2066\u0085\U000e0041\ufeff"


def bytes_of(text):
	"""Text that encodes to the UTF-8 of this one, where a test writes Latin-1."""
	return text.encode().decode("latin-1")


def is_clean(text):
	return not set(UNSEEN) & set(text)


journal.in_namespace()
with Test() as t, Journal() as j:
	j.start()
	messages = t.work / "messages"
	gateway = t.gateway(t.pacs(), {"audit.journal": "auto", "audit.messages": str(messages)})
	# A stranger who takes a modality's name for his AE title, and some who hide something.
	for calling in ["angio", *(bytes_of(f"x{character}y") for character in UNSEEN)]:
		answer = t.connect(gateway).request(calling=calling, contexts=[XA_CONTEXT])
		assert isinstance(answer, Rejection), answer
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0
	modality.release()
	gateway.wait_audit(event="association", outcome="released")
	assert gateway.stop() == 0

	assert is_clean(gateway.log())
	entries = j.entries()
	assert len(entries) >= len(gateway.audit())
	for entry in entries:
		for name, value in entry.items():
			assert is_clean(str(value)), (name, value)
	said = [str(entry["MESSAGE"]) for entry in entries]
	assert any('Association from "angio" (' in sentence for sentence in said), said
	assert any(r'Association from "x\u202ey" (' in sentence for sentence in said), said
	assert any("Association from angio (" in sentence for sentence in said), said
	text = "".join(path.read_text() for path in messages.iterdir() if path.is_file())
	assert is_clean(text) and r"x\u202ey" in text
	assert re.search('UserID="&quot;angio&quot;"', text) and 'UserID="angio"' in text
	for command in (["tail", "-n", "all"], ["report"], ["report", "--csv"]):
		assert is_clean(tool("audit", *command, gateway.audit_file).decode()), command
	rows = tool("audit", "tail", "-n", "all", gateway.audit_file).decode()
	assert re.search(r'refused +"angio" ', rows) and re.search("accepted +angio ", rows), rows
