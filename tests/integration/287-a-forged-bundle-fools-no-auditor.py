"""Goal: verify.sh believes no bundle that was put together of two logs which one key has signed,
nor one with bytes that a shell doesn't see; and what a bundle says steers no terminal, so that
no DOES NOT HOLD can be hidden behind a HOLDS."""
import pathlib
import shutil
import subprocess

from auditlog import Key, Log, enter_folder, run

enter_folder("forged")
key = Key("audit.key")


def export(folder, *files):
	done = run("export", "--key", "audit.key.pub", "--since", "2026-01-01", "--output", folder, *files)
	assert done.returncode == 0, done


def verify(folder):
	return subprocess.run(["sh", "verify.sh"], cwd=folder, stdin=subprocess.DEVNULL,
		stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def made(name, **parts):
	"""A copy of the good bundle with other contents; "_" in a name stands for "."."""
	shutil.rmtree(name, ignore_errors=True)
	shutil.copytree("good", name)
	for part, content in parts.items():
		pathlib.Path(name, part.replace("_", ".")).write_bytes(content)
	return name


def fails(folder, *words):
	done = verify(folder)
	assert done.returncode == 1 and b"DOES NOT HOLD: " in done.stdout, done.stdout
	assert all(byte == 0x0A or 0x20 <= byte < 0x7F or byte == 0x09 for byte in done.stdout), done.stdout
	assert b"\nHOLDS" not in done.stdout, done.stdout
	for word in words:
		assert word in done.stdout, (word, done.stdout)


# The gateway of a restored backup goes on in the same chain: what it had written behind the
# backup was signed with the same key, under the same numbers.
lost, kept = Log(key).add("start").fill(4), Log(key).add("start").fill(3).add("stop")
lost.checkpoint().write("audit-0.jsonl")
export("lost", "audit-0.jsonl")
kept.checkpoint().write("audit-0.jsonl")
live = Log(key, after=kept).add("start").fill(3).checkpoint()
live.write("audit.jsonl")
export("good", "audit-0.jsonl", "audit.jsonl")
told = verify("good")
assert told.returncode == 0, told.stdout
assert b"HOLDS: 10 lines, numbers 0 to 9, none missing" in told.stdout, told.stdout


def of(folder, name):
	return pathlib.Path(folder, name).read_bytes()


def lines_of(folder, name):
	return of(folder, name).splitlines(True)


at = len(lines_of("lost", "lines.jsonl"))
made("forked",
	lines_jsonl=b"".join(lines_of("lost", "lines.jsonl") + lines_of("good", "lines.jsonl")[at:]),
	proofs_txt=b"".join(lines_of("lost", "proofs.txt") + lines_of("good", "proofs.txt")[at:]))
shutil.copy("lost/checkpoint-0.note", "forked")
fails("forked", b"does not follow number 4")

for where in (0, 40, len(of("good", "lines.jsonl"))):
	whole = of("good", "lines.jsonl")
	fails(made("nul", lines_jsonl=whole[:where] + b"\0" + whole[where:]), b"NUL")

HIDDEN = b"\x1b[2K\x1b[1A\rHOLDS: 10 lines, numbers 0 to 9, none missing between them\n"
fails(made("facts", bundle_txt=of("good", "bundle.txt").replace(b"lines=10", b"lines=" + HIDDEN)))
fails(made("facts", bundle_txt=of("good", "bundle.txt") + b"lines=\xc2\x9b8m\nlines=" + b"x" * 9999))
fails(made("proofs", proofs_txt=of("good", "proofs.txt").replace(
	b"checkpoint-0.note", b"\x1b]0;x\x07\x1b[8m")), b"which is no checkpoint")
print("no forged bundle is believed")
