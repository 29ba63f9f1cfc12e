"""Goal: cathgate audit verify says of a log whether it holds, and else which line does not
and why; of several files in any order, against any checkpoint; and of what is no log."""
import copy
import json
import os
import pathlib

from auditlog import Key, Log, enter_folder, run
from chain import seal

enter_folder("verify")
work = pathlib.Path.cwd()
key, other = Key("key"), Key("other")


def story():
	log = Log(key).add("start").checkpoint().fill(20).checkpoint().fill(5).add("stop")
	return log.checkpoint()


def expect(status, *words, files=("audit.jsonl",), options=("--key", "key.pub")):
	result = run("verify", *options, *files)
	said = result.stdout + result.stderr
	assert result.returncode == status, f"{options} {files}: {result.returncode}: {said}"
	for word in words:
		assert word in said, f"{word!r} is not in: {said}"
	return said


# The whole one, with and without its key.
whole = story()
whole.write("audit.jsonl")
said = expect(0, "holds", "lines 0 to 29", whole.prev, key.name, "2026-01-31T12:00:00",
	"audit.checkpoint: over the first 29 lines")
assert "chain alone" not in said
expect(0, "No key was given", "made all of it anew", options=())
assert run("verify", "--quiet", "audit.jsonl").stdout == ""
told = json.loads(run("verify", "--json", "--key", "key.pub", "audit.jsonl").stdout)
assert told["holds"] and told["lines"] == 30 and told["head_hash"] == whole.prev, told
story().fill(17).write("audit.jsonl")
expect(0, "last 17 lines", "chain alone")


def changed(change, status, *words, note=True, options=("--key", "key.pub")):
	log = story()
	kept = copy.deepcopy(log)
	change(log)
	log.write("audit.jsonl", note=False)
	pathlib.Path("audit.checkpoint").unlink(missing_ok=True)
	if note:
		pathlib.Path("audit.checkpoint").write_text(kept.note)
	said = expect(status, *words, options=options)
	told = run("verify", "--json", *options, "audit.jsonl")
	assert told.returncode == status and json.loads(told.stdout)["holds"] == (status == 0)
	if status == 1:
		fault = json.loads(told.stdout)["fault"]
		assert fault["why"] in said and fault["kind"] in said, fault


def at(index, line):
	return lambda log: log.lines.__setitem__(index, line(log.lines[index]))


def swap(log):
	log.lines[10], log.lines[11] = log.lines[11], log.lines[10]


def rewritten(log):
	"""Line 8 anew, hash and all; what follows is left."""
	made = Log(key)
	made.lines, made.prev, made.seq = log.lines[:8], log.lines[7][-66:-2], 8
	log.lines[8] = made.add(outcome="refused").lines[8]


def rebuilt(log):
	"""All of it anew, without the key."""
	log.__dict__.update(Log(None).add("start").checkpoint().fill(30).checkpoint().__dict__)


changed(at(8, lambda line: line.replace("forwarded", "refused")), 1, "line 9 (seq 8)", "edited")
changed(rewritten, 1, "line 9 (seq 8)", "edited", "hash and all")
changed(lambda log: log.lines.pop(8), 1, "line 9 (seq 8)", "missing")
changed(swap, 1, "line 11", "reordered")
changed(lambda log: log.lines.insert(8, log.lines[3]), 1, "line 9", "repeated")
changed(lambda log: log.lines.insert(8, "{}"), 1, "line 9", "inserted")
changed(lambda log: log.lines.pop(), 1, "truncated", "line 30")
changed(lambda log: log.lines.__delitem__(slice(23, None)), 1, "truncated", "7 lines are gone")
changed(lambda log: log.lines.__delitem__(slice(23, None)), 0, note=False)
changed(lambda log: log.lines.pop(0), 1, "line 1 (seq 0)", "missing", note=False)
changed(lambda log: log.lines.clear(), 1, "truncated")
changed(rebuilt, 1, "unsigned")
changed(rebuilt, 1, "checkpoint", options=())
changed(lambda log: log.lines.extend(Log(key).add("start", detail="x").lines), 1,
	"new-chain", "line 31")
changed(at(22, lambda line: line.replace('"size":22', '"size":21')), 1, "line 23", "edited")
# Checkpoints that the chain covers, but that are false.
for wrong, word in (({"size": 3}, "another file"), ({"origin": "cathgate/cathlab-3/7"}, "another"),
		({"root": "A" * 43 + "="}, "root"), ({"origin": "x"}, "none of an audit log")):
	Log(key).add("start").checkpoint().fill(3).checkpoint(**wrong).write("audit.jsonl", note=False)
	pathlib.Path("audit.checkpoint").unlink(missing_ok=True)
	expect(1, "line 6 (seq 5)", "checkpoint", word)
Log(other).add("start").checkpoint().write("audit.jsonl")
expect(1, "other-key", "another key")
expect(0, options=("--key", "key.pub", "--key", "other.pub"))
Log(key).add("start").fill(4).write("audit.jsonl", note=False)
pathlib.Path("audit.checkpoint").unlink()
expect(1, "unsigned", "no checkpoint")
forged = story()
forged.key = Key("forger")
forged.key.name = key.name
forged.fill(2).checkpoint().write("audit.jsonl", note=False)
expect(1, "line 33 (seq 32)", "other-key")
story().write("audit.jsonl")
text = pathlib.Path("audit.checkpoint").read_text()
pathlib.Path("audit.checkpoint").write_text(text.replace("\n29\n", "\n28\n"))
expect(1, "audit.checkpoint", "forged")
pathlib.Path("audit.checkpoint").write_text("rubbish")
expect(1, "audit.checkpoint", "no checkpoint")
pathlib.Path("audit.checkpoint").unlink()

# Bytes behind the last newline.
whole = pathlib.Path("audit.jsonl").read_bytes()
for end, word in ((whole[:-1], "but for its newline"), (whole[:-9], "behind the last whole line"),
		(whole + b"\0" * 100, "100 bytes")):
	pathlib.Path("audit.jsonl").write_bytes(end)
	expect(1, "torn", word)

# Several files, in any order.
first = Log(key).add("start").fill(9).checkpoint()
second = Log(key, first).fill(9).checkpoint()
third = Log(key, second).add("start").checkpoint().fill(4)
names = ["audit-0.jsonl", f"audit-{second.first}.jsonl", "audit.jsonl"]
for log, name in zip((first, second, third), names):
	log.write(name)
expect(0, "lines 0 to 10", "last 4 lines", files=[names[2], names[0], names[1], names[0]])
expect(0, files=names[1:])
expect(1, "line 1 (seq 11)", "missing", "lines 11 to 20", files=[names[0], names[2]])
pathlib.Path("kept").write_text(first.note)
expect(0, options=("--key", "key.pub", "--checkpoint", "kept"), files=names)
expect(2, "begins with line 0", options=("--key", "key.pub", "--checkpoint", "kept"),
	files=names[1:])
# Without FILE: the configuration's log with its rotated files.
pathlib.Path("cathgate.conf").write_text('audit: { file = "audit.jsonl"; };\n')
expect(0, "lines 0 to 10", "audit.jsonl", files=(), options=("--config", "cathgate.conf"))

# Closed after a failed sync: its last three lines were never acknowledged.
first = Log(key).add("start").checkpoint().fill(5)
durable = copy.deepcopy(first)
first.fill(3).write(names[0])
failed = Log(key, durable).add("alert", outcome="raised", reason="audit-unavailable")
failed.fill(3).checkpoint().write("audit.jsonl")
expect(0, "never acknowledged", "3 whole lines", files=(names[0], "audit.jsonl"))
with open(names[0], "ab") as file:
	file.write(b'{"seq":10,"ti\n\0\0\0')
expect(0, "never acknowledged", files=(names[0], "audit.jsonl"))
Log(key, durable).add("alert", outcome="raised").fill(3).checkpoint().write("audit.jsonl")
expect(1, "audit-0.jsonl: line 11", files=(names[0], "audit.jsonl"))
first.write(names[0])
expect(1, "audit.jsonl: line 1", "repeated", files=(names[0], "audit.jsonl"))

# That excuse without need: for lines that a checkpoint says were there, or that hold the
# checkpoint of an earlier write; and made without the key.
def fork(log, at, maker):
	made = Log(maker)
	made.prev, made.seq, made.first = log.lines[at - 1][-66:-2], at, at
	made.add("alert", outcome="raised", reason="audit-unavailable").fill(3)
	return (made.checkpoint() if maker else made).write("audit.jsonl", note=False)


whole = Log(key).add("start").checkpoint().fill(5).checkpoint().fill(5).checkpoint()
pathlib.Path("kept").write_text(whole.note)
for beside in pathlib.Path().glob("*.checkpoint"):
	beside.unlink()
both = (names[0], fork(whole, 4, key))
for broken in (4, 5):
	cut = copy.deepcopy(whole)
	cut.lines[broken:] = ["garbage"]
	cut.write(names[0], note=False)
	expect(0, "never acknowledged", files=both)
	expect(1, f"audit-0.jsonl: line {broken + 1}", files=both,
		options=("--key", "key.pub", "--checkpoint", "kept"))
	expect(1, f"audit-0.jsonl: line {broken + 1}", files=both, options=("--checkpoint", "kept"))
whole.write(names[0], note=False)
expect(1, "audit.jsonl: line 1", "repeated", files=both)
fork(whole, 10, None)
expect(1, "audit.jsonl: line 1 (seq 10)", "unsigned", "no signed checkpoint", files=both)
expect(0, "never acknowledged", files=both, options=())

# What a checkpoint covers that was given was durable: no alert takes it back.
whole = Log(key).add("start").fill(5).checkpoint()
pathlib.Path("kept").write_text(whole.note)
whole.write(names[0], note=False)
for at in (2, 6):
	fork(whole, at, None)
	expect(0, "never acknowledged", files=both, options=())
	expect(1, "audit.jsonl: line 1", "repeated", files=both, options=("--checkpoint", "kept"))

# What a verdict is worth is said with it, and the log can't say it instead.
def forget():
	for left in (*pathlib.Path().glob("*.checkpoint"), *pathlib.Path().glob("audit*.jsonl")):
		left.unlink()


forget()
log = Log(key).add("start").checkpoint().fill(9)
assert "No checkpoint kept elsewhere was given" in expect(0,
	"holds up to its last signed checkpoint", files=[log.write("audit.jsonl")])
log.write("audit.jsonl", note=False)
lines = log.lines[:2]
for seq, time in ((2, "\x1b[2J\x1b[HThe log holds, yes!!"), (3, "2026-01-31T12:00:00.000000Z")):
	assert len(time) == 27
	body = f'{{"seq":{seq},"time":"{time}","node":"n","event":"instance"'.encode() + b"}"
	lines += [line.decode() for line in seal([body], lines[-1][-66:-2])]
	pathlib.Path("audit.jsonl").write_text("".join(line + "\n" for line in lines))
	assert "\x1b" not in expect(0, "up to its last signed checkpoint", "chain alone")
Log(key).add("start").checkpoint().checkpoint(key="\x1b[2KThe log holds").write("audit.jsonl",
	note=False)
assert "\x1b" not in expect(1, "line 3", "not the members")
pathlib.Path("audit\x1b[2J.jsonl").write_text("")
assert "\x1b" not in expect(0, files=("audit\x1b[2J.jsonl",))
forget()
second.write("audit.jsonl", note=False)
expect(0, "The 11 lines before number 11 are in none")
told = run("verify", "--json", "--checkpoint", "kept", "audit.jsonl")
assert told.returncode == 2 and not json.loads(told.stdout)["holds"], told.stdout

# What is no log.
cases = {"empty": b"", "binary": os.urandom(100000), "zeros": b"\0" * 1000000,
	"text": b"Jan 31 12:00:00 host sshd[1]: hello\n" * 100, "huge": b"x" * 3000000 + b"\n",
	"json": b"{}\n[]\n", "newlines": b"\n" * 1000}
for name, content in cases.items():
	pathlib.Path(name).write_bytes(content)
	expect(0 if name == "empty" else 1, files=(name,))
expect(1, "foreign", "no line of an audit log", files=("text",))
expect(1, "longer than", files=("huge",))
os.mkfifo("pipe")
expect(2, files=("pipe",))
expect(2, "not a directory", files=(".",))
expect(2, files=("missing",))
expect(2, "no public Ed25519 key", options=("--key", "audit.jsonl"))
expect(2, "can't be read", options=("--checkpoint", "missing"))
expect(2, options=("--frobnicate",))
print("every change was noticed, and named")
