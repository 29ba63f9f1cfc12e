"""Goal: `audit tail` and `audit report` answer for a stretch of time, as people write it, and
for a patient, by ID or pseudonym; and say so where they can't."""
import datetime
import hmac
import json
import os
import pathlib

from auditlog import Log, run
from harness import Test
from objects import make

DAY = datetime.timedelta(days=1)


def asked(*arguments, status=0, stdin=None):
	done = run(*arguments, stdin=stdin)
	assert done.returncode == status, (arguments, done.stdout, done.stderr)
	return done.stdout if status != 2 else done.stderr


def seqs(*arguments, **more):
	return [json.loads(line)["seq"] for line in
		asked("tail", "--json", *arguments, "audit.jsonl", **more).splitlines()]


def studies(*arguments, **more):
	return {row["study"] for row in json.loads(asked("report", "--json", *arguments, **more))
		["studies"]}


def log_at(days_ago, after=None):
	"""Noon, local time, of each of these days before today."""
	log = Log(after=after)
	for days in days_ago:
		noon = datetime.datetime.combine(datetime.date.today() - days * DAY,
						 datetime.time(12)).astimezone()
		utc = noon.astimezone(datetime.timezone.utc)
		log.add("instance", outcome="forwarded", sop_instance=f"1.2.{log.seq}",
			study=f"1.{log.seq}", association="0123456789abcdef",
			time=f"{utc:%Y-%m-%dT%H:%M:%S}.000000Z")
	return log


def times():
	old = log_at((40, 30, 20))
	old.write("audit-0.jsonl")
	log = log_at((10, 6, 1, 0, -1), after=old)	# 3 to 7
	log.add("instance", outcome="forwarded", sop_instance="1.2.8", study="1.8", time="never")
	log.write("audit.jsonl")
	assert seqs("--since", "-7d") == [4, 5, 6, 7]
	assert seqs("--since", "7 days ago", "--until", "yesterday") == [4, 5]
	assert seqs("--since", "yesterday", "--until", "yesterday") == [5]
	assert seqs("--since", "today", "--until", "today") == [6]
	assert seqs("--until", "-7d") == [0, 1, 2, 3]
	assert seqs("--until", "-7d", "-n", "2") == [2, 3]
	assert seqs("--since", "-5w", "--until", "-2w") == [1, 2], "across files"
	assert seqs("--since", "-5w", "-n", "3") == [5, 6, 7]
	assert seqs("--since", "-7d", "-n", "0") == []
	assert seqs("--since", "9999-01-01") == []
	assert len(seqs()) == 9 and 8 in seqs("-n", "all")
	told = asked("report", "--json", "--since", "yesterday", "--until", "yesterday",
		     "audit-0.jsonl", "audit.jsonl")
	assert json.loads(told)["studies"][0]["study"] == "1.5" and "1.6" not in told
	for wrong, word in ((("--since", "last week"), "yesterday"),
			    (("--since", "today", "--until", "-2d"), "before --until"),
			    (("-f", "--until", "now"), "not both")):
		assert word in asked("tail", *wrong, "audit.jsonl", status=2), wrong


with Test() as t:
	os.chdir(t.work)
	while True:
		today = datetime.date.today()
		try:
			times()
			break
		except AssertionError:
			if today == datetime.date.today():
				raise	# else midnight came in between

	# Of patients: a real gateway's pseudonym, and by hand one in clear beside it.
	gateway = t.gateway(t.pacs())
	modality = t.associate(gateway)
	one, another = make("explicit"), make("explicit")
	assert modality.store(one).status == 0
	modality.release()
	gateway.wait_audit(event="association", outcome="released")
	pseudonym = asked("pseudonym", "--config", gateway.config, "CATH-0042").strip()
	config = ("--config", gateway.config)
	for who, stdin in (("CATH-0042", None), (" CATH-0042 ", None), (pseudonym, None),
			   ("-", "CATH-0042\n")):
		assert studies("--patient", who, *config, stdin=stdin) == {one.study}, who
		rows = asked("tail", "--json", "--patient", who, *config, stdin=stdin)
		assert [json.loads(row)["event"] for row in rows.splitlines()] == ["instance"]
	assert studies("--patient", pseudonym, gateway.audit_file) == {one.study}, "without a key"
	done = run("report", "--patient", "cath-0042", *config)
	assert done.returncode == 1 and "byte for byte" in done.stderr, done
	assert "not both" in asked("report", "--patient", "1", "--study", "1.2", status=2)
	assert "empty" in asked("report", "--patient", "", *config, status=2)
	assert asked("tail", "--patient", "other", "--json", *config) == ""

	# Without the key nobody can tell, and the tool says who can.
	key = pathlib.Path("key")
	key.write_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")
	key.chmod(0o644)
	made = Log()
	for number, who in enumerate(("PAT-1", hmac.new(bytes(range(32)), b"PAT-1",
							 "sha256").hexdigest(), "PAT-2")):
		made.add(outcome="forwarded", sop_instance=f"1.{number}", study=f"2.{number}",
			 patient=who, association="0123456789abcdef")
	made.write("made.jsonl")
	pathlib.Path("keyed.conf").write_text('audit: { file = "made.jsonl"; '
		f'pseudonym_key = "{key.resolve()}"; }};\n')
	error = asked("report", "--patient", "PAT-1", "--config", "keyed.conf", status=2)
	assert "chmod 600" in error and "cathgate audit pseudonym" in error, error
	assert "PAT-1" not in error, error
	key.chmod(0o600)
	assert studies("--patient", "PAT-1", "--config", "keyed.conf") == {"2.0", "2.1"}
	assert studies("--patient", "PAT-2", "--config", "keyed.conf") == {"2.2"}
	# In clear: the configuration names no key.
	pathlib.Path("clear.conf").write_text('audit: { file = "made.jsonl"; };\n')
	assert studies("--patient", "PAT-2", "--config", "clear.conf") == {"2.2"}
	# So it does when a key is still named, and can't be read; a warning says so.
	pathlib.Path("both.conf").write_text('audit: { file = "made.jsonl"; patient_id = "clear"; '
					     'pseudonym_key = "away.key"; };\n')
	done = run("report", "--patient", "PAT-2", "--config", "both.conf", "--json")
	assert done.returncode == 0 and "in clear alone" in done.stderr, done
	assert "2.2" in done.stdout, done
	done = run("report", "--patient", "PAT-3", "--config", "both.conf")
	assert "pseudonym was not looked for" in done.stdout + done.stderr, done
	done = run("report", "--patient", "PAT-3", "--config", "clear.conf")
	assert done.returncode == 1 and "omit" in done.stderr, done
	# No configuration at all: it can't be known which of them it is.
	asked("report", "--patient", "PAT-2", "--config", "none.conf", "made.jsonl", status=2)
