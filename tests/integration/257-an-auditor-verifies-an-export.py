"""Goal: `cathgate audit export` makes a folder of which an auditor who has nothing of ours sees
by the commands of its own page that its lines are as they were signed; and any change to it,
of a byte or of a line, is noticed. It holds nothing of other patients."""
import copy
import os
import pathlib
import re
import shutil
import subprocess

from auditlog import Key, Log, enter_folder, run

enter_folder("export")
key, other_key = Key("audit.key"), Key("other.key")
STUDY, ANOTHER = "1.2.840.113619.7", "1.2.840.113619.8"
# What an auditor's host has. Nothing is found but these.
tools = pathlib.Path("tools").resolve()
tools.mkdir()
for name in ("sh cat cp cut echo grep head mktemp od printf rm sed sha256sum tail tr wc base64 cmp "
	     "dirname openssl").split():
	(tools / name).symlink_to(shutil.which(name))


def instance(log, study, **more):
	return log.add(outcome="forwarded", study=study, sop_instance=f"{study}.{log.seq}",
		       patient=f"pseudonym-of-{study}", detail='a "quoted" \\ back\tslash, "hash":1',
		       **more)


def make_log():
	"""Two files; the study's lines are in both, some behind the last checkpoint."""
	old = Log(key).add("start")
	for number in range(37):
		instance(old, STUDY if number in (3, 4, 5, 20) else ANOTHER)
	old.checkpoint()
	live = Log(key, after=old)
	for number in range(12):
		instance(live, STUDY if number in (0, 7) else ANOTHER)
		if number in (4, 9):
			live.checkpoint()
	instance(live, STUDY)
	return old, live


def export(*arguments, status=0, files=("audit-0.jsonl", "audit.jsonl"),
	   keys=("--key", "audit.key.pub")):
	shutil.rmtree("out", ignore_errors=True)
	done = run("export", *keys, "--output", "out", *arguments, *files)
	assert done.returncode == status, done
	assert pathlib.Path("out").exists() == (status == 0), done
	return done


def shell(commands, folder):
	return subprocess.run(["sh", "-c", commands], cwd=folder, text=True, stdin=subprocess.DEVNULL,
		stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
		env={"PATH": str(tools), "TMPDIR": os.environ.get("TMPDIR", "/tmp")})


def commands(folder="out"):
	"""The page's blocks: the key's name, all of it, and by hand a signature and a hash."""
	text = pathlib.Path(folder, "README.txt").read_text()
	assert max(map(len, text.splitlines())) <= 80
	blocks = re.findall(r"\n\n((?:    .*\n)+)", text)
	return [block for block in blocks if "openssl" in block or "verify.sh" in block
		or "sha256sum" in block][1:]


def holds(folder="out", with_key=""):
	done = shell(f"sh verify.sh {with_key}", folder)
	assert done.returncode == 0 and "HOLDS: " in done.stdout, done.stdout
	return done.stdout


def fails(folder, *words):
	done = shell("sh verify.sh", folder)
	assert done.returncode == 1 and "DOES NOT HOLD: " in done.stdout, (folder, done.stdout)
	assert "\nHOLDS" not in done.stdout, done.stdout
	for word in words:
		assert word in done.stdout, (word, done.stdout)


def changed(name, change, *words):
	"""A copy in which one file is changed does not hold."""
	shutil.rmtree("copy", ignore_errors=True)
	shutil.copytree("out", "copy")
	path = pathlib.Path("copy", name)
	before = path.read_bytes()
	after = change(before)
	assert after != before, name
	path.write_bytes(after)
	fails("copy", *words)


def without(number, name="copy"):
	"""Takes a line out with its proof, and counts anew, as whoever can change it would."""
	shutil.rmtree("copy", ignore_errors=True)
	shutil.copytree("out", "copy")
	for file in ("lines.jsonl", "proofs.txt"):
		lines = pathlib.Path("copy", file).read_text().splitlines(True)
		del lines[number]
		pathlib.Path("copy", file).write_text("".join(lines))
	facts = pathlib.Path("copy/bundle.txt")
	facts.write_text(re.sub("^lines=.*", f"lines={len(lines)}", facts.read_text()))


def flip(at):
	return lambda text: text[:at] + bytes([text[at] ^ 1]) + text[at + 1:]


old, live = make_log()
old.write("audit-0.jsonl")
live.write("audit.jsonl")
done = export("--study", STUDY)
for word in ("6 lines", "proves 1 more", key.name):
	assert word in done.stdout, done.stdout
lines = [line for line in old.lines + live.lines if f'"{STUDY}"' in line]
assert pathlib.Path("out/lines.jsonl").read_text().splitlines() == lines[:-1]
assert pathlib.Path("out/unproved.jsonl").read_text().splitlines() == lines[-1:]
assert oct(os.stat("out").st_mode & 0o777) == "0o700"
for path in pathlib.Path("out").iterdir():
	assert ANOTHER not in path.read_text(), f"{path}: another patient's study"
	assert oct(os.stat(path).st_mode & 0o777) == "0o600", path
again = run("export", "--study", STUDY, "--key", "audit.key.pub", "--output", "out", "audit-0.jsonl",
	"audit.jsonl")
assert again.returncode == 2 and "is there already" in again.stderr, again

# The page's own commands, on a copy, with no more than an auditor's host has.
shutil.copytree("out", "copy")
name, everything, signature, line_hash = commands("copy")
assert shell(name, "copy").stdout.split()[0] == key.name
told = shell(everything, "copy")
assert told.returncode == 0 and "HOLDS: 6 lines" in told.stdout, told.stdout
assert "others left out" in told.stdout and "NOT PROVED: the 1 line" in told.stdout
told = shell(signature + line_hash, "copy")
assert "Verified Successfully" in told.stdout, told.stdout
made, stands = (line.split()[0] for line in told.stdout.splitlines()[-2:])
assert made == stands, told.stdout
assert key.name in holds("copy", "../audit.key.pub"), "with a key that came another way"
assert shell("sh verify.sh ../other.key.pub", "copy").returncode == 1
assert shell("sh verify.sh ../none.pub", "copy").returncode == 2

# A byte of a line, of a proof, of a checkpoint: each place of these, but for every few.
size = len(pathlib.Path("out/lines.jsonl").read_bytes())
for at in range(0, size, 431):
	changed("lines.jsonl", flip(at))
for file, step in (("proofs.txt", 257), ("checkpoint-0.note", 47)):
	for at in range(0, len(pathlib.Path("out", file).read_bytes()), step):
		changed(file, flip(at))
changed("lines.jsonl", lambda text: text.replace(b"forwarded", b"failed", 1), "its hash is another")
changed("checkpoint-0.note", lambda text: text.replace(b"\n38\n", b"\n39\n"), "not signed")
changed("key-1.pub", lambda text: pathlib.Path("other.key.pub").read_bytes(), "not signed")
changed("proofs.txt", lambda text: b"".join(reversed(text.splitlines(True))))
changed("proofs.txt", lambda text: text.replace(b"checkpoint-0.note", b"../copy/a-0.note"),
	"which is no checkpoint")
changed("lines.jsonl", lambda text: b"".join(text.splitlines(True)[:-1]), "more lines")
changed("proofs.txt", lambda text: b"".join(text.splitlines(True)[:-1]), "no proof")
changed("lines.jsonl", lambda text: text + text.splitlines(True)[-1], "no proof")
changed("bundle.txt", lambda text: text.replace(b"lines=6", b"lines=7"), "tells of 7")
# A line that was made anew with its hash, and a number that isn't its own.
forged = Log(key)
forged.seq = 21
forged.prev = old.lines[20][-66:-2]
instance(forged, STUDY, extra="1")
changed("lines.jsonl", lambda text: text.replace(text.splitlines()[3], forged.lines[0].encode()),
	"is not in the log that was signed")

# Whoever takes a line of a run out with its proof is noticed; of a line that stands alone,
# nobody can know. The page says so.
for number in (1, 2):
	without(number)
	fails("copy", "does not follow")
without(3)
assert "HOLDS: 5 lines" in shell("sh verify.sh", "copy").stdout
assert "does not show that no other line" in pathlib.Path("out/README.txt").read_text()

# A stretch of time, across the rotation: no line between the first and the last is missing.
export("--utc", "--since", "2026-01-31T12:00:10", "--until", "2026-01-31T12:00:45")
assert "HOLDS: 35 lines, numbers 10 to 44, none missing" in holds()
assert not pathlib.Path("out/unproved.jsonl").exists()
for number in (0, 1, 17, 28, 33):
	without(number)
	facts = pathlib.Path("copy/bundle.txt")
	if number == 0:		# but that nothing stood before, it can't say
		assert "numbers 11 to 44" in shell("sh verify.sh", "copy").stdout
	else:
		fails("copy")
without(34)		# the last one: what it proved is proved no more
fails("copy", "is missing that proves")

# One checkpoint's line, and lines that none covers yet.
export("--utc", "--since", "2026-01-31T12:00:53")
told = shell("sh verify.sh", "out")
assert told.returncode == 1 and "NOTHING IS PROVED" in told.stdout, told.stdout

# A key that was changed: both prove.
newer = Log(other_key, after=live)
instance(newer, STUDY).checkpoint()
live.checkpoint()
newer = Log(other_key, after=live)
instance(newer, STUDY).checkpoint()
live.write(f"audit-{live.first}.jsonl")
newer.write("audit.jsonl")
files = ("audit-0.jsonl", f"audit-{live.first}.jsonl", "audit.jsonl")
both = ("--key", "audit.key.pub", "--key", "other.key.pub")
export("--study", STUDY, files=files, keys=both)
told = holds()
assert key.name in told and other_key.name in told and "HOLDS: 8 lines" in told, told
error = export("--study", STUDY, files=files, status=1).stderr
assert "doesn't hold" in error and "--key" in error, error

# A file that was closed after a failed sync. What was never acknowledged is in no export;
# the lines before that have no checkpoint of their own, and the next file's prove them.
closed = Log(key).add("start").checkpoint()
for _ in range(3):
	instance(closed, STUDY)
durable = copy.deepcopy(closed)
for note in pathlib.Path().glob("*.checkpoint"):
	note.unlink()
instance(instance(closed, STUDY), STUDY).write("audit-0.jsonl", note=False)
failed = Log(key, after=durable).add("alert", outcome="raised", reason="audit-unavailable")
instance(failed, STUDY).checkpoint().write("audit.jsonl")
export("--since", "2026-01-01")
assert "HOLDS: 7 lines, numbers 0 to 6, none missing" in holds()
assert pathlib.Path("out/lines.jsonl").read_text().splitlines() == durable.lines + failed.lines[:2]
export("--study", STUDY)	# the alert isn't the study's: so nothing proves what is before it
assert pathlib.Path("out/lines.jsonl").read_text().splitlines() == failed.lines[1:2]
assert pathlib.Path("out/unproved.jsonl").read_text().splitlines() == durable.lines[2:]
old.write("audit-0.jsonl")
newer.write("audit.jsonl")
live.write(f"audit-{live.first}.jsonl")

# What can't be exported says why, and leaves nothing.
assert "no line" in export("--study", "1.2.3", files=files, keys=both, status=1).stderr
assert "which lines" in export(files=files, keys=both, status=2).stderr
pathlib.Path("both.pem").write_text(pathlib.Path("audit.key.pub").read_text()
	+ pathlib.Path("audit.key").read_text())
assert "private" in export("--study", STUDY, files=("audit-0.jsonl",), keys=("--key", "both.pem"),
	status=2).stderr
live.lines[3] = live.lines[3].replace("forwarded", "failed")
live.write(f"audit-{live.first}.jsonl")
assert "doesn't hold" in export("--study", STUDY, files=files, keys=both, status=1).stderr
pathlib.Path("keyless.conf").write_text('audit: { file = "audit.jsonl"; };\n')
assert "--key PUB" in export("--study", STUDY, "--config", "keyless.conf", keys=(), files=(),
	status=2).stderr
pathlib.Path("keyed.conf").write_text('audit: { file = "only.jsonl"; signing_key = "audit.key"; };\n')
old.write("only.jsonl")
export("--study", STUDY, "--config", "keyed.conf", keys=(), files=())
assert "HOLDS: 4 lines" in holds()
print("an auditor verifies an export")
