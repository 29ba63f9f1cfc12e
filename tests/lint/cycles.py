"""Goal: no file needs, directly or by others, a file that needs it: whoever reads one can read
those below it first. Who calls whom is taken from the object files.

	cycles.py BUILD
"""
import collections
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
build = pathlib.Path(sys.argv[1])
# Not every object file in the folder: some are of files that are gone.
compiled = json.loads((build / "compile_commands.json").read_text())
objects = {entry["file"].removeprefix(f"{ROOT}/src/"): build / entry["command"].split(" -o ")[1].split()[0]
	   for entry in compiled if entry["file"].startswith(f"{ROOT}/src/")}
defined, wanted = {}, {file: set() for file in objects}
listed = subprocess.run(["nm", "-A", *objects.values()], stdout=subprocess.PIPE, text=True, check=True)
names = {str(path): file for file, path in objects.items()}
for line in listed.stdout.splitlines():
	path, symbol = line.split(":", 1)
	kind, name = symbol.split()[-2:]
	if kind == "U":
		wanted[names[path]].add(name)
	elif kind in "TDBRC":
		defined[name] = names[path]
assert len(objects) > 100, f"{build} holds no build of this tree"

calls = {file: collections.defaultdict(list) for file in wanted}
for file, symbols in wanted.items():
	for name in sorted(symbols):
		if defined.get(name, file) != file:
			calls[file][defined[name]].append(name)
left = dict(calls)


def remove(is_free):
	while free := [file for file in left if is_free(file)]:
		for file in free:
			del left[file]


# A cycle is what stays when files go that need nobody, and files that nobody needs.
remove(lambda file: not calls[file].keys() & left.keys())
remove(lambda file: not any(file in others for others in left.values()))
for file, others in sorted(left.items()):
	for other in sorted(others.keys() & left.keys()):
		print(f"{file} needs {other} for {', '.join(others[other])}")
print(f"{len(objects)} files, {len(left)} of them in cycles or between two")
sys.exit(bool(left))
