"""Goal: the last lines, and those since a time, are found without reading what stands
before; and no line is missed because the clock was set back or ahead."""
import datetime
import json
import re
import shutil
import subprocess

import auditlog
from chain import by_age
from harness import Skip, Test, cathgate, tool

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.timezone.utc)
MOST_BYTES = 2 << 20


def read_bytes(folder, *arguments):
	"""Of the log's files, by name, as strace saw it."""
	trace = t.work / "trace"
	subprocess.run(["strace", "-f", "-y", "-e", "trace=read,pread64", "-o", trace,
			cathgate(), *map(str, arguments)], stdout=subprocess.DEVNULL,
		       stderr=subprocess.DEVNULL, check=False)
	found = {}
	for line in trace.read_text().splitlines():
		call = re.search(r"(?:read|pread64)\(\d+<([^>]*)>.* = (\d+)$", line)
		if call and call[1].startswith(str(folder)):
			name = call[1].rpartition("/")[2]
			found[name] = found.get(name, 0) + int(call[2])
	return found


def add(log, when, count=1, **more):
	for _ in range(count):
		log.add(time=when.strftime("%FT%T.000000Z"), **{
			"outcome": "failed", "reason": "destination-lost", "peer": "192.0.2.7:104",
			"association": f"{log.seq // 50:016x}", "modality": "angio",
			"destination": "pacs", "sop_instance": f"1.2.3.{log.seq}", "study": "1.9",
			"bytes": 1000, "detail": "." * 300, **more})
	return log


def write(name, *logs):
	folder = t.work / name
	folder.mkdir()
	for log in logs[:-1]:
		log.write(folder / f"audit-{log.first}.jsonl")
	logs[-1].write(folder / "audit.jsonl")
	return folder


def configured(folder):
	path = folder / "cathgate.conf"
	path.write_text(f'audit: {{ file = "{folder}/audit.jsonl"; }};\n')
	return path


def received(folder, since):
	"""How many of the report's instances are since then: found, and expected."""
	text = since.strftime("%FT%TZ")
	files = by_age(folder)
	expected = len({json.loads(line)["sop_instance"] for path in files
			for line in path.read_text().splitlines()
			if json.loads(line)["time"] >= text[:-1]})
	for which in (files, ["--config", configured(folder)]):
		done = subprocess.run([cathgate(), "audit", "report", "--json", "--since", text,
				       *map(str, which)], stdout=subprocess.PIPE, check=False)
		found = json.loads(done.stdout)["total"]["received"]
		assert found == expected, f"{folder.name}: {found}, not {expected}"
	return expected


with Test() as t:
	if not shutil.which("strace"):
		raise Skip("there is no strace")
	old = add(auditlog.Log(), NOW - 60 * DAY, 12000)
	middle = add(auditlog.Log(after=old), NOW - 50 * DAY, 12000)
	live = add(auditlog.Log(after=middle), NOW - DAY, 12000)
	large = write("large", old, middle, live)
	small = write("small", add(auditlog.Log(), NOW - DAY, 12000))

	# The last lines, of one file and of a log with rotated ones.
	for folder in (large, small):
		for words in (("-n", "20"), ("-n", "0"), ("-n", "20", "--event", "instance")):
			found = read_bytes(folder, "audit", "tail", *words,
					   folder / "audit.jsonl")
			assert 0 < sum(found.values()) < MOST_BYTES, (words, found)
		last = tool("audit", "tail", "-n", "3", "--json",
			    folder / "audit.jsonl").decode().splitlines()
		assert last == (folder / "audit.jsonl").read_text().splitlines()[-3:]
	# More than the live file has.
	last = tool("audit", "tail", "-n", "12003", "--json",
		    large / "audit.jsonl").decode().splitlines()
	assert last == middle.lines[-3:] + live.lines

	# Since a time: whole files are left out, by what their ends say.
	since = (NOW - 20 * DAY).strftime("%F")
	for arguments in (
		("audit", "report", "--since", since, "--config", configured(large)),
		("audit", "report", "--since", since, *(large / name for name in
			("audit-0.jsonl", "audit-12000.jsonl", "audit.jsonl"))),
		("diagnose", "--days", "20", "--log", large / "audit.jsonl"),
	):
		found = read_bytes(large, *arguments)
		assert found["audit.jsonl"] > MOST_BYTES, found
		assert found["audit-0.jsonl"] + found["audit-12000.jsonl"] < MOST_BYTES, found

	assert received(large, NOW - 20 * DAY) == 12000
	# The clock was ahead from one file on and set back in the next; ahead at a file's end,
	# at the log's beginning, for some days within a file; back for a while, and still. (One
	# that is ahead by rotate_hours or more within a file alone isn't what a gateway writes:
	# it begins a new one at once.)
	for number, times in enumerate((
		[[-90], [-80], [-5], [-78], [-1]],
		[[-90, -5], [-80], [-79], [-1]],
		[[-5], [-80], [-79], [-1]],
		[[-26], [-26, -20, -26], [-25], [-1]],
		[[-40], [-400, -400], [-39], [-1]],
		[[-40], [-39], [-60]],
	)):
		logs = []
		for days in times:
			log = auditlog.Log(after=logs[-1] if logs else None)
			for ago in days:
				add(log, NOW + ago * DAY, 3)
			logs.append(log)
		folder = write(f"clock-{number}", *logs)
		received(folder, NOW - 21 * DAY)
		received(folder, NOW - 400 * DAY)
		received(folder, NOW)
