"""Goal: `cathgate audit report` says of each study what came and what became of it, by SOP
instance, with retries told apart and what is missing named with its reason."""
import csv
import io
import json
from dataclasses import replace

from dicom import XA_CONTEXT
from harness import Test, tool
from objects import SECONDARY_CAPTURE, EXPLICIT, make

script = []	# what the PACS does with the next instances


def behave(association):
	association.accept()
	while (message := association.receive()) is not None:
		act = script.pop(0) if script else "take"
		if act == "vanish":
			association.close()
			return
		association.respond(message, 0xA900 if act == "refuse" else 0)


def send(modality, obj, act="take", context=1):
	script.append(act)
	status = modality.store(obj, context).status
	if act == "never":
		script.remove(act)
	return status


def report(*arguments, **more):
	return json.loads(tool("audit", "report", "--json", *arguments, gateway.audit_file,
			       **more))


def of(whole, study):
	row, = [row for row in whole["studies"] if row["study"] == study]
	return row



with Test() as t:
	gateway = t.gateway(t.pacs(behave), {
		"modalities.0.sop_classes": ["XRayAngiographicImageStorage"]})
	modality = t.associate(gateway, contexts=[XA_CONTEXT, (3, SECONDARY_CAPTURE, [EXPLICIT])])
	whole = make("explicit")

	assert send(modality, whole, "refuse") == 0xA900
	assert send(modality, whole) == 0			# a retry that gets through
	assert send(modality, whole) == 0			# and again: it stays one
	refused_by_pacs = make("explicit")
	assert send(modality, refused_by_pacs, "refuse") == 0xA900
	assert send(modality, refused_by_pacs, "refuse") == 0xA900
	doubtful = make("explicit")
	assert send(modality, doubtful, "vanish") & 0xFF00 == 0xA700
	lying = make("secondary-capture")	# says XA in its command
	assert send(modality, replace(lying, sop_class=XA_CONTEXT[1]), "never") == 0x0124
	modality.release()
	gateway.wait_audit(event="association", outcome="released")

	told = report()
	total = told["total"]
	assert total["received"] == 4, told
	assert total["received"] == sum(total[word] for word in (
		"forwarded", "spooled", "failed", "refused", "unconfirmed")), told
	assert (total["attempts"], total["retries"]) == (7, 3), told

	row = of(told, whole.study)
	assert (row["received"], row["forwarded"], row["retries"]) == (1, 1, 2), row
	assert row["bytes"] == len(whole.data) and row["missing"] == [], row
	lines = gateway.audit(event="instance", sop_instance=whole.sop_instance)
	assert (row["first"], row["last"]) == (lines[0]["time"], lines[-1]["time"]), row
	assert row["modality"] == "angio", row

	missing, = of(told, refused_by_pacs.study)["missing"]
	assert missing["sop_instance"] == refused_by_pacs.sop_instance, missing
	assert (missing["outcome"], missing["reason"], missing["attempts"]) == (
		"failed", "destination-status", 2), missing
	assert of(told, doubtful.study)["missing"][0]["outcome"] == "unconfirmed"
	refused = [row for row in told["studies"] if row["refused"]]
	assert refused[0]["missing"][0]["reason"] == "sop-class-not-allowed", refused

	assert report("--study", whole.study)["studies"] == [row]
	report("--study", doubtful.study, status=1)
	report("--study", "1.2.3", status=1)
	assert report("--modality", "other")["studies"] == []
	assert report("--until", "2020-01-01")["studies"] == []
	assert report("--since", row["first"])["total"] == total
	last = lines[-1]["time"]
	assert of(report("--since", last), whole.study)["attempts"] == 1
	assert of(report("--until", last), whole.study)["attempts"] == 2
	day = row["first"][:10]
	assert report("--utc", "--since", day, "--until", day)["total"] == total
	for wrong in ("last week", "2026-02-30", "2026-01-31T25:00", "-7x", "7 days", "-7d ago"):
		tool("audit", "report", "--since", wrong, gateway.audit_file, status=2)

	rows = list(csv.DictReader(io.StringIO(
		tool("audit", "report", "--csv", gateway.audit_file).decode())))
	assert len(rows) == 4, rows
	by_study = {row["study"]: row for row in rows}
	assert by_study[whole.study]["forwarded"] == "1"
	assert by_study[doubtful.study]["missing"] == (
		f"{doubtful.sop_instance} unconfirmed destination-lost"), rows

	table = tool("audit", "report", "--config", gateway.config).decode()
	for part in (whole.study, "total", f"missing of {doubtful.study}:",
		     f"{refused_by_pacs.sop_instance} failed destination-status, attempts 2"):
		assert part in table, table

	# across a rotation, and where the object broke off before its study was known
	gateway.audit_file.rename(gateway.folder / "audit-0.jsonl")
	modality = t.associate(gateway)
	assert send(modality, refused_by_pacs) == 0
	half = make("explicit")
	modality.store_command(half)
	modality.close()
	gateway.wait_audit(event="instance", sop_instance=half.sop_instance)
	told = json.loads(tool("audit", "report", "--json", "--config", gateway.config))
	assert of(told, refused_by_pacs.study)["forwarded"] == 1, told
	assert of(told, refused_by_pacs.study)["attempts"] == 3, told
	assert of(told, None)["missing"][0]["sop_instance"] == half.sop_instance, told
