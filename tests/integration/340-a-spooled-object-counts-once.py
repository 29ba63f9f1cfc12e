"""Goal: whoever reads the log hears of an object that went through the spool once, and where it
is: report, tail, prove, export and verify, of a log in which objects wait, arrive, die."""
import csv
import hashlib
import io
import json
import os

from auditlog import Key, Log, run
from harness import Test
from objects import make, write_part10

CAME_BY = "0123456789abcdef"
PATIENT = "PAT-1"


def asked(*arguments, status=0):
	done = run(*arguments)
	assert done.returncode == status, (arguments, done.stdout, done.stderr)
	return done


def object_of(number, study):
	return {"association": CAME_BY, "modality": "angio-3", "calling_ae": "CATHLAB3",
		"destination": "pacs", "sop_instance": f"1.2.{number}", "study": study,
		"patient": PATIENT, "bytes": 100}


# One study that is whole in the end, one that waits, and one that has it all.
LINES = [
	("instance", "forwarded", object_of(1, "1.1"), {}),
	("instance", "spooled", object_of(2, "1.1"), {"detail": "destination-unreachable"}),
	("delivery", "failed", object_of(2, "1.1"), {"reason": "destination-unreachable"}),
	("delivery", "unconfirmed", object_of(2, "1.1"), {"reason": "destination-lost"}),
	("delivery", "forwarded", object_of(2, "1.1"), {"status": "0000"}),
	("instance", "spooled", object_of(3, "1.2"), {}),
	("instance", "spooled", object_of(4, "1.2"), {}),
	("delivery", "held", object_of(4, "1.2"), {}),
	("instance", "spooled", object_of(5, "1.3"), {}),
	("delivery", "dead", object_of(5, "1.3"), {"reason": "destination-status",
						   "status": "C000"}),
	("instance", "spooled", object_of(6, "1.3"), {}),
	("delivery", "given-up", object_of(6, "1.3"), {"reason": "destination-unreachable"}),
	("instance", "spooled", object_of(7, "1.3"), {}),
	# the spooler doesn't know whose it is
	("delivery", "dropped", {"destination": "pacs", "sop_instance": "1.2.7"}, {}),
	("instance", "spooled", object_of(8, "1.3"), {}),
	("delivery", "dead", object_of(8, "1.3"), {"reason": "spool-corrupt"}),
	("delivery", "exported", object_of(8, "1.3"), {}),
	("delivery", "queued", object_of(8, "1.3"), {}),
	("delivery", "forwarded", object_of(8, "1.3"), {}),
	# of another time, of another log
	("delivery", "forwarded", object_of(9, "1.1"), {}),
]
COUNTS = {"received": 8, "forwarded": 3, "spooled": 2, "failed": 0, "refused": 0,
	  "unconfirmed": 0, "dead": 1, "given-up": 1, "dropped": 1, "held": 1, "attempts": 8,
	  "retries": 0}


def report(*arguments, status=0):
	return json.loads(asked("report", "--json", *arguments, "audit.jsonl",
				status=status).stdout)


def counts(whole):
	return {name: whole["total"][name] for name in COUNTS}


def reports():
	whole = report()
	assert counts(whole) == COUNTS, whole
	by_study = {row["study"]: row for row in whole["studies"]}
	assert by_study["1.1"]["forwarded"] == 2 and by_study["1.1"]["missing"] == []
	assert by_study["1.2"]["spooled"] == 2 and by_study["1.2"]["held"] == 1
	missing = {row["sop_instance"]: (row["outcome"], row.get("reason"))
		   for row in by_study["1.3"]["missing"]}
	assert missing == {"1.2.5": ("dead", "destination-status"),
			   "1.2.6": ("given-up", "destination-unreachable"),
			   "1.2.7": ("dropped", None)}, missing
	# A filter by modality or patient loses no line of the spooler's.
	for only in (("--modality", "angio-3"), ("--patient", PATIENT)):
		assert counts(report(*only, "--config", "cathgate.conf")) == COUNTS, only
	assert report("--modality", "other")["studies"] == []

	done = asked("report", "--study", "1.1", "audit.jsonl")
	assert done.stderr == "", done.stderr
	done = asked("report", "--study", "1.2", "audit.jsonl")
	assert "2 of its instances are in the spool" in done.stderr, done.stderr
	assert "not at the PACS yet: 2; of them held by an operator: 1" in done.stdout
	done = asked("report", "--study", "1.3", "audit.jsonl", status=1)
	assert "1.2.5 dead destination-status" in done.stdout, done.stdout
	head, row = done.stdout.splitlines()[:2]
	assert dict(zip(head.split(), row.split()))["UNDELIVERED"] == "3", done.stdout

	rows = {row["study"]: row for row in csv.DictReader(io.StringIO(
		asked("report", "--csv", "audit.jsonl").stdout))}
	assert [rows["1.3"][name] for name in ("dead", "given-up", "dropped", "held")] == [
		"1", "1", "1", "0"], rows
	assert rows["1.2"]["held"] == "1" and rows["1.2"]["spooled"] == "2", rows
	# what was delivered afterwards wasn't then
	spooled = report("--utc", "--until", "2026-01-31T12:00:03Z")
	assert spooled["total"]["spooled"] == 1, spooled


def tails():
	def rows(*arguments):
		return [json.loads(line)["sop_instance"] for line in asked(
			"tail", "--json", "-n", "all", *arguments, "audit.jsonl").stdout.splitlines()]

	assert len(rows("--event", "delivery")) == 12
	assert rows("--outcome", "spooled") == [f"1.2.{n}" for n in (2, 3, 4, 5, 6, 7, 8)]
	for outcome, which in (("dead", ["1.2.5", "1.2.8"]), ("given-up", ["1.2.6"]),
			       ("held", ["1.2.4"]), ("dropped", ["1.2.7"]),
			       ("exported", ["1.2.8"]), ("queued", ["1.2.8"])):
		assert rows("--outcome", outcome) == which, outcome
	assert "no such word" in asked("tail", "--outcome", "given up", status=2).stderr


def proofs():
	"""A real object, whose bytes the log has three times."""
	sent = make("explicit")
	write_part10(sent, "object.dcm")
	bytes_of = {"sop_instance": sent.sop_instance, "bytes": len(sent.data),
		    "sha256": hashlib.sha256(sent.data).hexdigest(),
		    "transfer_syntax": sent.transfer_syntax}
	old = Log().add(outcome="spooled", **{**object_of(1, "1.1"), **bytes_of})
	old.write("audit-0.jsonl")
	new = Log(after=old)
	for outcome in ("failed", "forwarded", "forwarded"):
		new.add("delivery", outcome=outcome, **{**object_of(1, "1.1"), **bytes_of})
	new.add("delivery", outcome="dead", sop_instance=sent.sop_instance, destination="pacs")
	new.write("live.jsonl")

	said = asked("prove", "--utc", "object.dcm", "audit-0.jsonl", "live.jsonl").stdout
	assert "these bytes are those that CATHLAB3 (angio-3) sent" in said, said
	assert said.count("taken by") == 1, said
	assert "pacs from the spool, at 2026-01-31 12:00:02" in said, said
	assert "in the spool; once sent by CATHLAB3 (angio-3)" in said, said
	assert "the record doesn't say of which bytes" in said, said
	said = asked("prove", "object.dcm", "audit-0.jsonl").stdout
	assert "no destination, as far as the log says" in said, said
	# Who sent it a courier can't prove.
	told = json.loads(asked("prove", "--json", "object.dcm", "live.jsonl", status=1).stdout)
	assert told["verdict"] == "only-delivered" and not told["proved"], told
	assert not any(record["proves"] for record in told["records"]), told


with Test() as t:
	os.chdir(t.work)
	key = Key("audit.key")
	log = Log(key)
	for event, outcome, members, more in LINES:
		reason = {name: more[name] for name in ("reason", "detail") if name in more}
		rest = {name: more[name] for name in more if name not in reason}
		log.add(event, outcome=outcome, **reason, **members, **rest)
	log.checkpoint().write("audit.jsonl")
	(t.work / "cathgate.conf").write_text('audit: { file = "audit.jsonl"; };\n')
	reports()
	tails()
	asked("verify", "--key", key.public, "audit.jsonl")
	asked("export", "--study", "1.3", "--key", key.public, "--output", "exported",
	      "audit.jsonl")
	exported = [json.loads(line) for line in
		    (t.work / "exported/lines.jsonl").read_text().splitlines()]
	assert {line["sop_instance"] for line in exported} >= {"1.2.5", "1.2.6", "1.2.8"}
	assert [line["outcome"] for line in exported if line["event"] == "delivery"] == [
		"dead", "given-up", "dead", "exported", "queued", "forwarded"], exported
	proofs()
