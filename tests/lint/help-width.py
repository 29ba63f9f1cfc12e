"""Goal: what each command of the tools says of its usage fits a terminal of 80 columns."""
import re
import subprocess
import sys

COLUMNS = 80
faults, seen = [], 0


def check(*command):
	global seen
	done = subprocess.run([*command, "--help"], capture_output=True, text=True)
	shown = " ".join(command[1:])
	if done.returncode or not done.stdout:
		faults.append(f"{shown} --help: status {done.returncode}, {done.stderr}")
	for line in done.stdout.splitlines():
		if len(line) > COLUMNS:
			faults.append(f"{shown} --help: {len(line)} columns: {line}")
	seen += 1
	if "COMMAND" in done.stdout.split("\n")[0]:
		for name in re.findall(r"^  ([a-z]+) +\S", done.stdout, re.M):
			if name != "help":	# which is the same again
				check(*command, name)


for program in sys.argv[1:]:
	check(program)
if seen < 20:
	faults.append(f"only {seen} commands were found")
print("\n".join(faults) or f"{seen} commands: none says more than {COLUMNS} columns wide")
sys.exit(bool(faults))
