"""Goal: whenever the log is rotated while a command looks for where to begin, the command
answers as before: no line is missing, and none is shown beyond those asked for."""
import datetime
import json
import os
import re
import signal
import subprocess

import auditlog
from dicom import PATIENCE
from harness import SKIPPED, Test, cathgate, eventually
from steps import ENVIRONMENT, can_trace

if not can_trace():
	print("skipped: no process can be traced here")
	raise SystemExit(SKIPPED)

NOW = datetime.datetime.now(datetime.timezone.utc)
LIVE_LINES = 40


def add(log, days, count):
	for _ in range(count):
		log.add(time=(NOW - datetime.timedelta(days=days)).strftime("%FT%T.000000Z"),
			outcome="failed", reason="destination-lost", peer="192.0.2.7:104",
			association=f"{log.seq:016x}", modality="angio", destination="pacs",
			sop_instance=f"1.2.3.{log.seq}", study="1.9", bytes=1000)
	return log


def fresh(folder):
	"""A file of long ago, and one that is being written."""
	for path in folder.glob("audit*"):
		path.unlink()
	old = add(auditlog.Log(), 60, 20)
	live = add(auditlog.Log(after=old), 1, LIVE_LINES)
	old.write(folder / "audit-0.jsonl")
	live.write(folder / "audit.jsonl")
	return live


def rotate(folder, live):
	(folder / "audit.jsonl").rename(folder / f"audit-{live.first}.jsonl")
	add(auditlog.Log(after=live), 0, 1).write(folder / "audit.jsonl")


def answers(folder, command):
	"""Of the command with a rotation behind its N-th closing of the live file or
	the folder, for all N."""
	trace = t.work / "trace"
	for step in range(1, 100):
		live = fresh(folder)
		trace.write_text("")
		traced = subprocess.Popen(
			["strace", "-f", "-o", trace, "-P", folder / "audit.jsonl",
			 "-P", folder, "-e", "trace=close",
			 "-e", f"inject=close:signal=SIGSTOP:when={step}",
			 cathgate(), *command],
			stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
			stderr=subprocess.DEVNULL, text=True, env=ENVIRONMENT)
		found = eventually(lambda: re.search(r"^(\d+) +(--- stopped|\+\+\+ exited)",
						     trace.read_text(), re.M))
		if found[2] == "+++ exited":
			traced.communicate()
			return
		rotate(folder, live)
		os.kill(int(found[1]), signal.SIGCONT)
		yield step, traced.communicate(timeout=PATIENCE)[0]
	raise AssertionError("it goes on without end")


with Test() as t:
	folder = t.work / "log"
	folder.mkdir()
	config = folder / "cathgate.conf"
	config.write_text(f'audit: {{ file = "{folder}/audit.jsonl"; }};\n')
	since = (NOW - datetime.timedelta(days=20)).strftime("%F")
	steps = 0
	for step, said in answers(folder, ["audit", "report", "--json", "--since", since,
					   "--config", config]):
		assert json.loads(said)["total"]["received"] in (LIVE_LINES, LIVE_LINES + 1), \
			(step, said)
		steps += 1
	for step, said in answers(folder, ["diagnose", "--json", "--utc", "--days", "20", "--log",
					   folder / "audit.jsonl"]):
		assert json.loads(said)[0]["count"] in (LIVE_LINES, LIVE_LINES + 1), (step, said)
		steps += 1
	for step, said in answers(folder, ["audit", "tail", "-n", "10", "--json",
					   folder / "audit.jsonl"]):
		seqs = [json.loads(line)["seq"] for line in said.splitlines()]
		last = 20 + LIVE_LINES
		assert seqs in (list(range(last - 10, last)), list(range(last - 10, last + 1)),
				list(range(last - 9, last + 1))), (step, seqs)
		steps += 1
	assert steps > 6, steps
