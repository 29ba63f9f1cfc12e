"""Goal: the journal has every line of the audit log, in order, each member as a field, the
`stop` line too; a field finds what it names, and the catalogue explains it."""
import json
import subprocess

import journal
from harness import ROOT, Test, eventually
from journal import Journal
from objects import make

WARNING, INFO = "4", "6"


def fields_of(line):
	"""What the journal should have of it."""
	fields = {}
	for name, value in line.items():
		if name == "tls":
			fields |= {f"CATHGATE_TLS_{n.upper()}": v for n, v in value.items()}
		else:
			fields[f"CATHGATE_{name.upper()}"] = str(value)
	return fields


def members_of(entry):
	return {name: value for name, value in entry.items()
		if name.startswith("CATHGATE_") and name != "CATHGATE_CHECKPOINT"}


def explained(entries):
	"""What the catalogue says of their MESSAGE_IDs, compiled in a root of its own."""
	root = t.work / "root"
	(root / "usr/lib/systemd/catalog").mkdir(parents=True)
	(root / "usr/lib/systemd/catalog/cathgated.catalog").write_bytes(
		(ROOT / "systemd/cathgated.catalog").read_bytes())
	subprocess.run(["journalctl", f"--root={root}", "--update-catalog"], check=True)
	for entry in entries:
		yield subprocess.run(
			["journalctl", f"--root={root}", "--dump-catalog", entry["MESSAGE_ID"]],
			stdout=subprocess.PIPE, check=True, text=True).stdout


journal.in_namespace()
with Test() as t, Journal() as j:
	j.start()
	gateway = t.gateway(t.pacs(), {"audit.journal": "auto"})
	forwarded, refused = make("explicit"), make("explicit")
	modality = t.associate(gateway)
	assert modality.store(forwarded).status == 0
	assert modality.store(refused, elements={0x1030: "NOBODY", 0x1031: 7}).status == 0x0124
	modality.release()
	assert t.is_refused(gateway, "modality-expired")
	gateway.wait_audit(event="association", outcome="refused")
	assert eventually(lambda: j.entries(CATHGATE_REASON="tls-expired")), "without a stop"
	assert gateway.stop() == 0

	entries, lines = j.entries(), gateway.audit()
	assert [members_of(entry) for entry in entries] == [fields_of(line) for line in lines]
	assert "stop" in [line["event"] for line in lines]
	entry, = j.entries(CATHGATE_SOP_INSTANCE=forwarded.sop_instance)
	assert entry["PRIORITY"] == INFO, entry
	assert entry["MESSAGE"] == f"Instance {forwarded.sop_instance} from angio forwarded to pacs"
	instance, association = j.entries(CATHGATE_OUTCOME="refused")
	assert instance["CATHGATE_SOP_INSTANCE"] == refused.sop_instance, instance
	assert "move-originator" in instance["MESSAGE"], instance
	assert instance["MESSAGE_ID"] != association["MESSAGE_ID"]
	assert instance["PRIORITY"] == association["PRIORITY"] == WARNING
	for entry in j.entries(CATHGATE_EVENT="checkpoint"):
		text = entry["CATHGATE_CHECKPOINT"]
		assert text.startswith(f"{entry['CATHGATE_ORIGIN']}\n{entry['CATHGATE_SIZE']}\n")
		assert entry["CATHGATE_SIGNATURE"] in text, "the signed note, whole"
	for entry, text in zip(entries, explained(entries), strict=True):
		assert f"-- {entry['MESSAGE_ID']}" in text and "Defined-By: Cathgate" in text, text

	# The patient's ID itself, where the site wants it, in one field, and nothing else.
	gateway = t.gateway(t.pacs(), {"audit.journal": "auto", "audit.patient_id": "clear"})
	modality, obj = t.associate(gateway), make("explicit")
	assert modality.store(obj).status == 0
	modality.release()
	gateway.wait_audit(event="association", outcome="released")
	assert gateway.stop() == 0
	entry, = j.entries(CATHGATE_SOP_INSTANCE=obj.sop_instance)
	assert entry.pop("CATHGATE_PATIENT") == "CATH-0042"
	others = json.dumps([e for e in j.entries() if e["__CURSOR"] != entry["__CURSOR"]] + [entry])
	for secret in ("CATH-0042", "Secret", "19700101"):
		assert secret not in others, secret
		assert secret not in gateway.log(), secret
