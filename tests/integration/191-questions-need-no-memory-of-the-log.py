"""Goal: what is asked of a log costs memory by what is answered, not by how large it is: a
report of one study or of all, a proof, the last lines, what was refused."""
import datetime
import os
import subprocess
import sys

import auditlog
from harness import Skip, Test, cathgate
from objects import make, write_part10

FEW, MANY = 2000, 60000
MOST_KIB = 4096		# more than for the few lines
# A small process forks it: what is resident before the exec counts, too.
MEASURE = """
import os, sys
pid = os.fork()
if pid == 0:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.execv(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss, os.waitstatus_to_exitcode(status))
"""


def resident_kib(*arguments):
	done = subprocess.run([sys.executable, "-I", "-S", "-c", MEASURE, cathgate(), *arguments],
			      stdout=subprocess.PIPE, check=True, text=True)
	most, status = map(int, done.stdout.split())
	assert status in (0, 1), f"{arguments} ended with {status}"
	return most


def log_of(lines, studies):
	"""Each instance once, but a few; of so many studies, all but the first of one size."""
	now = datetime.datetime.now(datetime.timezone.utc)
	log = auditlog.Log()
	for i in range(lines):
		study = 0 if i < 1000 else 1 + i % studies
		outcome = "failed" if i % 1000 == 1 and i < 2000 else "forwarded"
		again = i % 100 == 2 and i < 2000
		log.add(time=(now - datetime.timedelta(minutes=1)).strftime("%FT%T.000000Z"),
			outcome=outcome, association=f"{i // 50:016x}", modality="angio",
			destination="pacs", sop_instance=f"1.2.3.{i - again}",
			study=f"1.9.{study}", bytes=1000, total_ms=5, detail="." * 100)
	return log


with Test() as t:
	if os.environ.get("CATHGATE_SANITIZE"):
		raise Skip("a sanitizer's own memory grows")
	obj = t.work / "object.dcm"
	write_part10(make("explicit"), obj)
	found = {}
	for lines in (FEW, MANY):
		# Of few studies where all of them are told of, of many where one is.
		for name, studies in (("all", 20), ("one", 10**6)):
			log = log_of(lines, studies).write(t.work / f"{name}-{lines}.jsonl")
			asked = {"all": (
				("report",), ("report", "--json"), ("report", "--csv"),
				("prove", str(obj)), ("tail", "-n", "20"),
				("tail", "-n", "20", "--outcome", "refused"), ("diagnose",),
			), "one": (("report", "--study", "1.9.0"),
				   ("report", "--study", "1.9.0", "--modality", "angio"),
				   ("report", "--study", "9.9"))}[name]
			for words in asked:
				arguments = (("diagnose", "--log", str(log)) if words[0] == "diagnose"
					     else ("audit", *words, str(log)))
				found[words, lines] = resident_kib(*arguments)
	for (words, lines), most in found.items():
		grown = most - found[words, FEW]
		assert grown <= MOST_KIB, f"{words}: {most} KiB, {grown} more than for a small log"
