"""Goal: a file fits into a head: no file of more than 500 lines, no function of more than 60."""
import pathlib
import sys

root = pathlib.Path(__file__).resolve().parents[2]
faults = []
for path in sorted([*(root / "src").rglob("*.[ch]*"), *(root / "include").rglob("*.h")]):
	lines = path.read_text().splitlines()
	where = path.relative_to(root)
	if len(lines) > 500:
		faults.append(f"{where} has {len(lines)} lines")
	begin = 0
	for number, line in enumerate(lines, 1):
		if line == "{":
			begin = number
		elif line == "}" and begin:
			if number - begin - 1 > 60:
				faults.append(f"{where}:{begin}: a function of {number - begin - 1} lines")
			begin = 0
print("\n".join(faults) or "no file is over 500 lines, no function over 60")
sys.exit(bool(faults))
