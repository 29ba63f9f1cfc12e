#!/usr/bin/env python3
"""How long questions to a large log take beside `cathgate audit verify`, in turn on the
same machine: seconds of the processor, for the log lies in memory; medians of five:

	python3 tests/bench/questions.py [--lines N] [--times N] [--keep FOLDER]

The log is made first: two million lines unless told otherwise, in files of 256 MiB, a few
hundred instances to an association and a study, some refused or failed and sent again, a
checkpoint each thousand lines. docs/PERFORMANCE.md has what came out.
"""
import argparse
import base64
import datetime
import hashlib
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CATHGATE = os.environ.get("CATHGATE", str(ROOT / "build/release/src/cli/cathgate"))
FILE_BYTES = 256 * 1024 * 1024
BEGIN = datetime.datetime(2026, 1, 1, 6, tzinfo=datetime.timezone.utc)
STEP = datetime.timedelta(seconds=3.9)		# two million lines: 90 days
DEVICE = ('"certificate":"' + "3f" * 32 + '","subject":"CN=angio,O=Hospital",'
	  '"tls":{"version":"TLSv1.3","cipher":"TLS_AES_256_GCM_SHA384","group":"X25519"},'
	  '"modality":"angio-3","calling_ae":"CATHLAB3","called_ae":"CATHGATE",'
	  '"destination":"pacs"')


class Tree:
	"""RFC 6962, leaf by leaf."""

	def __init__(self):
		self.size, self.nodes = 0, []

	def add(self, leaf):
		node = hashlib.sha256(b"\0" + leaf).digest()
		size = self.size
		while size & 1:
			node = hashlib.sha256(b"\1" + self.nodes.pop() + node).digest()
			size >>= 1
		self.nodes.append(node)
		self.size += 1

	def root(self):
		node = self.nodes[-1]
		for left in reversed(self.nodes[:-1]):
			node = hashlib.sha256(b"\1" + left + node).digest()
		return base64.b64encode(node).decode()


class Maker:
	def __init__(self, folder):
		self.folder, self.seq, self.prev, self.when = folder, 0, "0" * 64, BEGIN
		self.begin()

	def begin(self):
		self.first, self.tree, self.bytes = self.seq, Tree(), 0
		self.file = open(self.folder / "audit.jsonl", "wb", 1 << 20)

	def add(self, members):
		self.when += STEP
		text = (f'{{"seq":{self.seq},"time":"{self.when:%Y-%m-%dT%H:%M:%S.%f}Z",'
			f'"node":"cathlab-3",{members},"prev":"{self.prev}"').encode()
		digest = hashlib.sha256(text)
		self.prev = digest.hexdigest()
		line = b'%s,"hash":"%s"}\n' % (text, self.prev.encode())
		self.file.write(line)
		self.bytes += len(line)
		self.tree.add(digest.digest())
		self.seq += 1
		if self.tree.size % 1000 == 999:
			self.checkpoint()

	def checkpoint(self):
		members = (f'"event":"checkpoint","origin":"cathgate/cathlab-3/{self.first}",'
			   f'"size":{self.tree.size},"root":"{self.tree.root()}"')
		self.add(members)
		if self.bytes >= FILE_BYTES - 2000 * 1100:
			self.close(f"audit-{self.first}.jsonl")
			self.begin()

	def close(self, name="audit.jsonl"):
		self.file.close()
		os.rename(self.folder / "audit.jsonl", self.folder / name)


def make_log(folder, lines):
	"""The study of somewhere in the middle."""
	rng = random.Random(9)
	log = Maker(folder)
	log.add('"event":"start","detail":"cathgated 0.1.0"')
	chosen = None
	while log.seq < lines:
		association = f"{rng.getrandbits(64):016x}"
		study = f"1.2.826.0.1.3680043.8.498.{rng.getrandbits(100)}"
		who = (f'"association":"{association}","peer":"192.168.40.7:'
		       f'{rng.randrange(20000, 60000)}",{DEVICE}')
		log.add(f'"event":"association","outcome":"accepted",{who}')
		for _ in range(rng.randrange(20, 400)):
			instance = f"1.2.826.0.1.3680043.8.498.{rng.getrandbits(100)}"
			size = rng.randrange(1 << 19, 1 << 25)
			digest = hashlib.sha256(instance.encode()).hexdigest()
			tail = (f'"sop_class":"1.2.840.10008.5.1.4.1.1.12.1",'
				f'"sop_instance":"{instance}","study":"{study}",'
				f'"patient":"{hashlib.sha256(study.encode()).hexdigest()}",'
				f'"transfer_syntax":"1.2.840.10008.1.2.4.70","bytes":{size},'
				f'"sha256":"{digest}"')
			if rng.random() < 0.002:
				log.add(f'"event":"instance","outcome":"failed","reason":'
					f'"destination-timeout",{who},{tail},"total_ms":9000')
			log.add(f'"event":"instance","outcome":"forwarded",{who},{tail},'
				f'"status":"0000","wait_ms":{rng.randrange(9, 90)},'
				f'"total_ms":{rng.randrange(90, 900)}')
			if log.seq > lines / 2 and not chosen:
				chosen = study
		log.add(f'"event":"association","outcome":"released",{who}')
	log.add('"event":"stop"')
	log.close()
	return chosen


# A small process measures: the memory of whoever forks counts as that of the child.
MEASURE = """
import os, sys
pid = os.fork()
if pid == 0:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1), os.dup2(null, 2)
    os.execv(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024,
      os.waitstatus_to_exitcode(status))
"""


def ask(arguments):
	"""Seconds of the processor, and MiB that were resident at most."""
	done = subprocess.run([sys.executable, "-I", "-S", "-c", MEASURE, CATHGATE, *arguments],
			      stdout=subprocess.PIPE, check=True, text=True)
	took, most, status = done.stdout.split()
	assert status in ("0", "1"), f"{arguments} ended with {status}"
	return float(took), float(most)


def questions(folder, study):
	sys.path.insert(0, str(ROOT / "tests/lib"))
	import objects
	from chain import by_age
	files = [*map(str, by_age(folder))]
	with open(files[-1], "rb") as live:
		late = json.loads(live.readline())["time"][:10]
	# Not in the log: all of it has to be looked through.
	objects.write_part10(objects.make("explicit"), folder / "object.dcm")
	return {
		"verify": ["audit", "verify", *files],
		"report --study": ["audit", "report", "--study", study, *files],
		"report": ["audit", "report", "--json", *files],
		f"report --since {late}": ["audit", "report", "--since", late, *files],
		"prove": ["audit", "prove", str(folder / "object.dcm"), *files],
		"tail -n 20": ["audit", "tail", "-n", "20", files[-1]],
		"tail -n 20 --outcome failed": ["audit", "tail", "-n", "20", "--outcome",
						"failed", files[-1]],
		"diagnose --days 3000": ["diagnose", "--log", files[-1], "--days", "3000"],
	}


def measure(folder, study, times):
	asked = questions(folder, study)
	found = {name: [] for name in asked}
	for _ in range(times):
		for name, arguments in asked.items():
			found[name].append(ask(arguments))
	yardstick = statistics.median(took for took, _ in found["verify"])
	print(f"{'question':40} {'seconds':>8} {'/ verify':>8} {'MiB':>6}")
	for name, runs in found.items():
		took = statistics.median(took for took, _ in runs)
		print(f"{name:40} {took:8.2f} {took / yardstick:8.2f} "
		      f"{max(most for _, most in runs):6.0f}")


def main():
	options = argparse.ArgumentParser(description=__doc__,
		formatter_class=argparse.RawDescriptionHelpFormatter)
	options.add_argument("--lines", type=int, default=2000000)
	options.add_argument("--times", type=int, default=5)
	options.add_argument("--keep", type=pathlib.Path, help="make it there, or use what is")
	options = options.parse_args()
	folder = options.keep or pathlib.Path(tempfile.mkdtemp(prefix="cathgate-questions-"))
	folder.mkdir(exist_ok=True)
	try:
		told = folder / "chosen.json"
		if not told.exists():
			told.write_text(json.dumps(make_log(folder, options.lines)))
		measure(folder, json.loads(told.read_text()), options.times)
	finally:
		if not options.keep:
			shutil.rmtree(folder)


if __name__ == "__main__":
	main()
