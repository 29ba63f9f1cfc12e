"""Goal: the spool's protocol keeps its promises in every state that it can reach, and each
fault that is put into it is found.

	protocol.py [holds|ends|faults]...	all of these without an argument
	protocol.py ends-largest		takes longer than all of them

docs/spool.pml is the model, and its head says what the promises and the faults are. Each run
of SPIN is a whole search: one that was cut short fails.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
MODEL = pathlib.Path(__file__).resolve().parents[2] / "docs/spool.pml"
MEMORY_MIB = 2000
DEPTH = 10000
PATIENCE = 1800	# seconds that only a hang reaches
# Tries, crashes, faults. The model's own bounds come first.
BOUNDS = ((2, 2, 1), (2, 1, 2), (1, 3, 2))
# A cycle takes two states for each of these: the first of the bounds above costs two minutes
# and 1.5 GiB more, and has none, either.
BOUNDS_OF_ENDS = BOUNDS[1:]
# A fault needs little room to show. The small ones come first.
BOUNDS_OF_FAULTS = ((1, 2, 2), (2, 1, 0))
SAFETY = ("-DSAFETY",)
CYCLES = ("-DNP", "-DNOFAIR")	# without progress, which no step of the model is


class Search:
	"""One run, and what it has said."""

	def __init__(self, bounds, kind, mutation=None):
		self.defines = [f"-D{name}={value}"
				for name, value in zip(("TRIES", "CRASHES", "FAULTS"), bounds)]
		if mutation:
			self.defines.append(f"-DMUTATION={mutation}")
		with tempfile.TemporaryDirectory(prefix="spin-") as folder:
			self.run(folder, kind, bool(mutation))
		self.violated = set(re.findall(r"assertion violated \(?(\w+)", self.said))

	def run(self, folder, kind, goes_on):
		def command(*words):
			return subprocess.run(words, cwd=folder, stdout=subprocess.PIPE,
					      stderr=subprocess.STDOUT, text=True,
					      timeout=PATIENCE)

		for words in (("spin", *self.defines, "-a", str(MODEL)),
			      ("gcc", "-w", "-O0" if goes_on else "-O2", *kind, "-DCOLLAPSE",
			       f"-DMEMLIM={MEMORY_MIB}", "-o", "pan", "pan.c")):
			done = command(*words)
			assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}"
		# With a fault in it: all that is wrong, and no trails.
		self.said = command("./pan", f"-m{DEPTH}", *(["-c0", "-n"] if goes_on else []),
				    *(["-l"] if kind == CYCLES else [])).stdout

	def is_whole(self):
		return ("Search not completed" not in self.said
			and "max search depth too small" not in self.said
			and "State-vector" in self.said)

	def has_no_errors(self):
		return re.search(r"errors: 0$", self.said, re.M) is not None

	def size(self):
		states = re.search(r"^ *([0-9.e+]+) states, stored", self.said, re.M)
		memory = re.search(r"^ *([0-9.]+)\s+total actual memory usage", self.said, re.M)
		return f"{int(float(states[1])):,} states, {float(memory[1]):.0f} MiB"


def check_whole(kind, all_bounds, what):
	for bounds in all_bounds:
		search = Search(bounds, kind)
		if not (search.is_whole() and search.has_no_errors()):
			print(search.said)
			defines = " ".join(search.defines)
			sys.exit(f"{what}: not with {defines}. The way there, in an empty folder:\n"
				 f"spin {defines} -search {' '.join(kind)} -DCOLLAPSE -m{DEPTH} "
				 f"{'-l ' if kind == CYCLES else ''}{MODEL}\n"
				 f"spin {defines} -k {MODEL.name}.trail -p -g {MODEL}")
		print("%s: tries %d, crashes %d, faults %d: " % (what, *bounds) + search.size(),
		      flush=True)


def check_faults():
	faults = re.findall(r"^#define (\w+)\s+\d+\s+/\* breaks (\w+) \*/$", MODEL.read_text(), re.M)
	assert len(faults) == 15, faults
	for name, promise in faults:
		found = None
		for bounds in BOUNDS_OF_FAULTS:
			search = Search(bounds, SAFETY, name)
			assert search.is_whole(), search.said
			if promise in search.violated:
				found = bounds
				break
		if not found:
			sys.exit(f"{name} does not break {promise}")
		print(f"{name} breaks {promise}", flush=True)


CHECKS = {"holds": lambda: check_whole(SAFETY, BOUNDS, "each promise holds"),
	  "ends": lambda: check_whole(CYCLES, BOUNDS_OF_ENDS, "every run ends"),
	  "faults": check_faults,
	  "ends-largest": lambda: check_whole(CYCLES, BOUNDS[:1], "every run ends")}

for program in ("spin", "gcc"):
	if not shutil.which(program):
		print(f"skipped: needs {program}")
		sys.exit(SKIPPED)
for check in sys.argv[1:] or ("holds", "ends", "faults"):
	CHECKS[check]()
