"""Goal: whatever somebody sends as a log or as an object, the tool reads it in little memory,
ends with a status of its own, and prints nothing that steers a terminal or a spreadsheet."""
import csv
import io
import json
import os
import random
import re
import resource
import subprocess

import chain
from dicom import PATIENCE
from harness import Test, cathgate
from objects import make, write_part10

MEMORY = 64 << 20	# of addresses; the programs need some 20 MiB of them
chance = random.Random(20260131)


def limit():
	if not os.environ.get("CATHGATE_SANITIZE"):
		resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def run(*arguments):
	done = subprocess.run([cathgate(), "audit", *map(str, arguments)], capture_output=True,
			      stdin=subprocess.DEVNULL, timeout=PATIENCE, preexec_fn=limit)
	assert done.returncode in (0, 1, 2), (arguments, done.returncode, done.stderr[-2000:])
	assert b"Sanitizer" not in done.stderr, done.stderr
	return done.stdout


def read_by_all(log, obj):
	for arguments in (["tail", "-n", "all"], ["tail", "--outcome", "forwarded"], ["report"],
			  ["report", "--study", "1.2"], ["prove", obj]):
		shown = run(*arguments, log).decode()	# it is UTF-8, whatever came
		steers = re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e]", shown)
		assert not steers, (arguments, shown)
	run("tail", "--json", "-n", "all", log)
	json.loads(run("report", "--json", log))
	for row in csv.reader(io.StringIO(run("report", "--csv", log).decode(), newline="")):
		assert len(row) == 18, row
		assert not [cell for cell in row if cell[:1] in tuple("=+-@\t")], row
	for text in run("prove", "--json", obj, log), run("prove", "--json", log, obj):
		assert not text or json.loads(text)["verdict"], text


def line(seq, obj, **members):
	return json.dumps({
		"seq": seq, "time": "2026-01-31T12:00:00.123456Z", "node": "n",
		"event": "instance", "outcome": "forwarded", "modality": "angio",
		"sop_instance": obj.sop_instance, "study": "1.2", "bytes": len(obj.data),
		"sha256": obj.sha256, "total_ms": seq, **members},
		separators=(",", ":")).encode()


def mutated(content):
	content = bytearray(content)
	for _ in range(chance.randrange(1, 12)):
		at = chance.randrange(len(content))
		what = chance.randrange(4)
		if what == 0:
			content[at] = chance.randrange(256)
		elif what == 1:
			del content[at:at + chance.randrange(1, 200)]
		elif what == 2:
			content[at:at] = content[chance.randrange(len(content)):][:200]
		else:
			content[at:at] = chance.choice((
				b"\\u001b[2J", b"\\u202e", b"\xe2\x80\xae", b"\x1b[2J", b"\xc2\x9b",
				b'","x":"', b"[" * 3000, b"9" * 400, b"\0", b"\n", b'"\\u0000"',
				b"{}", b"-", b"1e999", b"\xff\xfe", b"\\ud800"))
	return bytes(content)


with Test() as t:
	obj, path, log = make("explicit"), t.work / "object.dcm", t.work / "strange.jsonl"
	write_part10(obj, path)
	steers = "\x1b[2J\x9b\u202e=1+1,\"'\\"
	lines = [line(seq, obj) for seq in range(4)] + [
		line(4, make("explicit"), modality="=cmd|' /C calc'!A0", study="@1", outcome="failed",
		     reason="+" + steers, detail=steers, peer=steers),
		line(5, obj, study=steers, modality=steers, calling_ae=steers, time=steers,
		     event="instance", sop_instance=steers),
		line(6, obj, event="association", tls={"version": steers}, calling_ae=steers),
		line(7, obj, bytes=2**63 - 1, total_ms=2**70, time="9999-12-31T23:59:60Z"),
		line(8, obj, bytes={}, time=7, event=[], outcome=None),
		line(9, obj, event="checkpoint", origin=steers, size=-1)]
	good = b"\n".join(chain.seal(lines)) + b"\n"
	log.write_bytes(good)
	read_by_all(log, path)
	for _ in range(8):
		log.write_bytes(mutated(good))
		read_by_all(log, path)

	whole = path.read_bytes()
	strange = t.work / "strange.dcm"
	log.write_bytes(good)
	for _ in range(20):
		strange.write_bytes(mutated(whole[:400]) + whole[400:])
		run("prove", strange, log)

	# much of it: a line that never ends, lines without end, an object of holes
	for byte in (b"x", b"\n", b"{"):
		with open(log, "wb") as file:
			file.write(good)
			for _ in range(80):
				file.write(byte * (1 << 20))
		run("tail", log)
		run("report", log)
		run("prove", path, log)
	with open(strange, "wb") as file:
		file.write(whole)
		file.truncate(1 << 28)
	log.write_bytes(good)
	assert b"other-bytes" in run("prove", "--json", strange, log)
