"""Goal: every kind of DICOM audit message fits the standard's schema, whatever the log's
lines hold, and so do those of a real gateway; the schema takes no message that breaks it."""
import base64
import os
import re
import subprocess

from audit_messages import OBJECT, PARTIES, export, kind, line, valid, written, xml_of
from dicom import XA_CONTEXT, Rejection
from harness import ROOT, Test, eventually
from objects import make

RUDE = "<&>\"' \u00e9\u001b\u0085\uffff" + "x" * 200


def every_kind():
	lines = [
		("start", {}), ("start", {"detail": RUDE}), ("reload", {"outcome": "done"}),
		("reload", {"outcome": "refused", "detail": RUDE}),
		("retention", {"outcome": "removed", "detail": "audit-0.jsonl"}),
		("checkpoint", {"origin": "cathgate/test/0", "size": 3, "root": "cm9vdA==",
				"key": "00", "signature": "c2ln"}),
		("checkpoint", {"origin": "cathgate/test/0", "size": 4, "root": "cm9vdA=="}),
	]
	for reason in ("audit-unavailable", "internal", "tls-expired", "spool-full"):
		lines.append(("alert", {"outcome": "raised", "reason": reason, "detail": RUDE}))
	lines.append(("alert", {"outcome": "raised"}))
	for reason in ("tls-untrusted", "tls-revoked", "not-tls", "handshake-timeout",
		       "ae-unknown", "ae-certificate-mismatch", "called-ae-unknown",
		       "address-not-allowed", "destination-tls", "sop-class-not-allowed"):
		lines.append(("association", {"outcome": "refused", "reason": reason, **PARTIES,
					      "peer": "[2001:db8::1]:104", "calling_ae": RUDE,
					      "subject": RUDE}))
		lines.append(("association", {"outcome": "refused", "reason": reason,
					      "peer": "192.0.2.7:1",
					      "shown_subject": RUDE}))
	lines.append(("association", {"outcome": "refused", "reason": "limit-associations"}))
	for outcome in ("forwarded", "failed", "unconfirmed", "spooled", "refused"):
		for more in ({}, {"patient": RUDE}, {"destination": "plain"},
			     {"destination": "gone"}, {"study": None, "patient": None},
			     {"sop_class": None, "tls": None, "modality": None}):
			instance = {**PARTIES, **OBJECT, "reason": "too-slow", **more,
				    "association": f"{len(lines):016x}"}
			instance = {key: value for key, value in instance.items() if value}
			lines.append(("instance", {"outcome": outcome, **instance}))
			lines.append(("association", {"outcome": "aborted", **instance}))
	for outcome in ("forwarded", "failed", "unconfirmed", "dead", "given-up", "dropped",
			"held", "queued", "exported"):
		for more in ({}, {"patient": RUDE}, {"destination": "gone", "association": None},
			     {"study": None, "patient": None, "modality": None},
			     {"reason": "destination-tls"}, {"reason": "spool-corrupt"}):
			delivery = {**PARTIES, **OBJECT, "reason": "destination-lost",
				    "association": f"{len(lines):016x}", **more, "peer": None,
				    "certificate": None, "subject": None, "tls": None}
			lines.append(("delivery", {"outcome": outcome, **{
				key: value for key, value in delivery.items() if value}}))
	lines.append(("stop", {}))
	return [line(seq, event, **members) for seq, (event, members) in enumerate(lines)]


# What the schema must notice: a change of a good message each.
WRONG = {
	"110104": [
		(b"<AuditMessage>", b"<AuditMessage><x/>"), (b' csd-code="110104"', b""),
		(b"csd-code=", b"code="), (b'EventActionCode="C"', b'EventActionCode="X"'),
		(b'EventActionCode="C"', b'EventActionCode="E"'),
		(b'EventOutcomeIndicator="0"', b'EventOutcomeIndicator="1"'),
		(b'EventDateTime="2026-01-31T12:00:', b'EventDateTime="2026-01-31 12:00:'),
		(b'Z" EventOutcome', b'" EventOutcome'), (b' UserIsRequestor="true"', b""),
		(b'UserIsRequestor="false"', b'UserIsRequestor="true"'),
		(b' NumberOfInstances="1"', b""),
		(b'TypeCodeRole="3"', b'TypeCodeRole="27"'),
		(b"<ParticipantObjectName>DICOM study</ParticipantObjectName>", b""),
		(b' codeSystemName="DCM"', b""), (b' AuditSourceID="test"', b""),
		(b"<Encrypted>true</Encrypted>", b"<Encrypted>yes</Encrypted>"),
		(b"<Encrypted>true</Encrypted><", b"<Encrypted>true</Encrypted><MPPS/><"),
		(b' NetworkAccessPointTypeCode="2"', b' NetworkAccessPointTypeCode="6"'),
	],
	"110113": [(b'type="Alert Description"', b'type="other"'), (b'value="', b'value="*'),
		   (b'csd-code="110131"', b'csd-code="110120"')],
	"110101": [(b"Security Audit Log", b"another"), (b"file://", b"\x20\x7b\x20")],
	"110100": [(b'csd-code="110150"', b'csd-code="110153"'),
		   (b'csd-code="110120"', b'csd-code="110124"')],
}


def cathgate():
	return os.environ.get("CATHGATE", ROOT / "build/dev/src/cli/cathgate")


def check_schema_rejects(messages):
	for event, changes in WRONG.items():
		xml = next(xml_of(m) for m in messages
			   if kind(m)[0] == event and kind(m)[3] in "04")
		assert valid([xml]) == [""]
		for before, after in changes:
			assert before in xml, (before, xml)
			assert valid([xml.replace(before, after, 1)]) != [""], (before, after)


with Test() as t:
	directory = t.work / "every-kind"
	lines = every_kind()
	export(directory, lines)
	messages = written(directory)
	xml = [xml_of(message) for message in messages]
	for text, fault in zip(xml, valid(xml)):
		assert not fault, (text, fault)
	kinds = {kind(message) for message in messages}
	for wanted in (("110100", "110120", "E", "0"), ("110100", "110121", "E", "0"),
		       ("110108", "110124", "E", "0"), ("110108", "110125", "E", "0"),
		       ("110101", "checkpoint", "R", "0"), ("110102", None, "E", "0"),
		       ("110104", None, "C", "0"), ("110104", None, "C", "4"),
		       ("110104", None, "R", "0"), ("110104", None, "R", "4"),
		       ("110104", None, "R", "8"), ("110113", "110132", "E", "8"),
		       ("110113", "110126", "E", "4"), ("110113", "110132", "E", "4"),
		       ("110113", "110132", "E", "12"), ("110113", "110133", "E", "8")):
		assert wanted in kinds, (wanted, kinds)
	check_schema_rejects(messages)

	pacs = t.pacs()
	folder = t.work / "messages"
	gateway = t.gateway(pacs, {"audit.messages": str(folder)})
	modality = t.associate(gateway)
	for _ in range(3):
		assert modality.store(make("explicit")).status == 0
	modality.release()
	assert isinstance(t.connect(gateway).request(calling="NOBODY", contexts=[XA_CONTEXT]),
			  Rejection)
	gateway.wait_audit(outcome="refused")
	assert gateway.stop() == 0
	told = eventually(lambda: written(folder))
	assert [fault for fault in valid([xml_of(m) for m in told]) if fault] == []
	told_kinds = [kind(message) for message in told if kind(message)[1] != "checkpoint"]
	assert told_kinds == [
		("110100", "110120", "E", "0"), ("110108", "110124", "E", "0"),
		("110102", None, "E", "0"), ("110104", None, "C", "0"), ("110104", None, "R", "0"),
		("110113", "110126", "E", "4"),
		("110108", "110125", "E", "0"), ("110100", "110121", "E", "0")], told_kinds
	transferred = [m for m in told if kind(m)[0] == "110104"]
	assert all(m.count(b'NumberOfInstances="1"') == 3 for m in transferred), transferred
	notes = [base64.b64decode(re.search(rb'tlog-checkpoint" value="([^"]+)"', m)[1])
		 for m in told if kind(m)[1] == "checkpoint"]
	assert gateway.audit_file.with_suffix(".checkpoint").read_bytes() == notes[-1]
	subprocess.run([cathgate(), "audit", "tail", "--config", gateway.config],
		       capture_output=True, check=True)
	used, = set(written(folder)) - set(told)
	assert kind(used) == ("110101", None, "R", "0") and valid([xml_of(used)]) == [""], used
	assert not any(b"Secret" in m or b"CATH-0042" in m for m in told)

	# The ID itself, where the site wants it, and nothing else of the patient.
	clear = t.work / "clear"
	gateway = t.gateway(pacs, {"audit.messages": str(clear), "audit.patient_id": "clear"})
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0
	modality.release()
	gateway.wait_audit(event="association", outcome="released")
	assert gateway.stop() == 0
	told = eventually(lambda: written(clear))
	assert [fault for fault in valid([xml_of(m) for m in told]) if fault] == []
	named = [kind(m)[0] for m in told if b"CATH-0042" in m]
	assert named == ["110102", "110104", "110104"], named
	assert not any(b"Secret" in m or b"19700101" in m for m in told)
	assert not any(word in gateway.log() for word in ("CATH-0042", "Secret", "19700101"))
