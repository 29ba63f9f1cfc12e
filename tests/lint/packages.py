"""Goal: each Debian package that building or testing installs stands in docs/ARCHITECTURE.md,
with its reason, and none that isn't needed."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def quoted(path, names):
	text = (ROOT / path).read_text()
	found = re.findall(rf'^(?:{names}) ?= ?\(?((?:\s*"[^"]+")+)', text, re.M)
	assert found, f"{path} has no list of packages"
	return {name for part in found for name in part.replace('"', " ").split()}


installed = (quoted("tests/run.sh", "build|peers|bookworm|trixie")
	     | quoted("tests/system/machine.py", "BESIDES"))
chapter = (ROOT / "docs/ARCHITECTURE.md").read_text().split("### Libraries")[1].split("\n## ")[0]
named = {name.strip() for row in re.findall(r"^\| ([^|]+) \|", chapter, re.M)
	 for name in row.split(",")} - {"package"}
named -= {name for name in named if set(name) == {"-"}}
for name in sorted(installed - named):
	print(f"{name} is installed, but has no reason in docs/ARCHITECTURE.md")
for name in sorted(named - installed):
	print(f"{name} has a reason in docs/ARCHITECTURE.md, but nothing installs it")
sys.exit(installed != named)
