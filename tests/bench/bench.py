"""The benchmark: cases, rounds, what came of them as a table and as JSON."""
import argparse
import hashlib
import json
import os
import pathlib
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

import limits
import measure
import objects
import report
import ways

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = {"nodelay": {"TCP_NODELAY": "1"}, "shipped": {}}


@dataclass
class Case:
	name: str
	count: int	# of all associations together
	size: int
	associations: int = 1

	def smaller(self, count, size):
		count = max(min(self.count, count), self.associations)
		return Case(self.name, count, min(self.size, size), self.associations)

	@property
	def title(self):
		whole = self.size % (1 << 20) == 0
		size = f"{self.size >> 20} MiB" if whole else f"{self.size >> 10} KiB"
		objects_each = "1 object" if self.count == self.associations else \
			f"{self.count // self.associations:,} objects"
		at_once = f"{self.associations} associations at once, each " \
			if self.associations > 1 else ""
		return f"{at_once}{objects_each} of {size}"


CASES = [
	Case("cine", 1, 512 << 20),
	Case("medium", 2000, 512 << 10),
	Case("small", 5000, 10 << 10),
	Case("four", 4 * 500, 512 << 10, 4),
]


def write_object(path, size):
	"""An angiogram whose pixel data has that size. Returns the data set's SHA-256."""
	uid = objects.new_uid()
	writer = objects.Writer()
	elements = objects.header(objects.XA, uid, objects.new_uid())
	elements += objects.image(max(1, size >> 20), 1024)
	head = writer.elements(elements) + writer.head(0x7FE00010, "OB", size)
	objects.write_part10(objects.Object(objects.XA, uid, objects.EXPLICIT, head), path)
	digest = hashlib.sha256(head)
	with open(path, "ab") as file:
		while size > 0:
			part = os.urandom(min(size, 1 << 20))
			file.write(part)
			digest.update(part)
			size -= len(part)
	return digest.hexdigest()


def hash_file(path):
	"""Of the data set in a Part 10 file, without holding it."""
	digest = hashlib.sha256()
	with open(path, "rb") as file:
		file.seek(140)
		file.seek(144 + struct.unpack("<I", file.read(4))[0])
		while part := file.read(1 << 20):
			digest.update(part)
	return digest.hexdigest()


class Load:
	"""A case's objects on disk: a folder for each association."""

	def __init__(self, case, work):
		self.case = case
		self.folders = [work / case.name / str(n) for n in range(case.associations)]
		self.hashes = []
		for folder in self.folders:
			folder.mkdir(parents=True)
		for number in range(case.count):
			folder = self.folders[number % case.associations]
			self.hashes.append(write_object(folder / f"{number:05}.dcm", case.size))
		self.hashes.sort()
		self.size = sum(file.stat().st_size for folder in self.folders
				for file in folder.iterdir())
		self.bytes = case.count * case.size

	def remove(self):
		shutil.rmtree(self.folders[0].parent)


def send(way, load, environment):
	"""Starts storescu for each folder and waits for all."""
	key = way.pki / way.certificate
	senders = [subprocess.Popen(
		["storescu", "-R", "-xe", "+sd", "+r", "--max-pdu", ways.MAX_PDU,
		 "-aet", way.calling, "-aec", way.called, "+tls", f"{key}.key", f"{key}.crt",
		 "+cf", f"{way.pki}/hospital-ca.crt", "127.0.0.1", str(way.port), str(folder)],
		env={**os.environ, **environment}) for folder in load.folders]
	statuses = [sender.wait() for sender in senders]
	if any(statuses):
		raise RuntimeError(f"{way.name}: storescu ended with {statuses}: "
				   f"{way.log_tail() if way.processes else ''}")


def check(way, load, pacs):
	"""What arrived must be what was sent, and be audited as that."""
	arrived = sorted(hash_file(entry.path) for entry in os.scandir(pacs.files))
	if arrived != load.hashes:
		raise RuntimeError(f"{way.name}: not what was sent arrived ({len(arrived)} "
				   f"objects of {len(load.hashes)})")
	if isinstance(way, ways.Cathgate) and way.audited() != load.hashes:
		raise RuntimeError("the audit log doesn't hold what was sent")


def run(way, load, pacs, environment):
	pacs.begin()
	way.begin()
	cpu = measure.cpu_seconds(way.pids)
	with measure.Peak(way.pids) as peak:
		began = time.perf_counter()
		send(way, load, environment)
		ways.eventually(lambda: pacs.count() == load.case.count, 3600, 0.02)
		ways.eventually(lambda: pacs.size() >= load.bytes, 3600, 0.02)
		wall = time.perf_counter() - began
	way.settle()
	cpu = measure.cpu_seconds(way.pids) - cpu
	pacs.settle()
	check(way, load, pacs)
	pacs.empty()
	return {"wall_s": wall, "cpu_s": cpu, "peak_mib": peak.kib / 1024}


def summary(load, peers, way, runs):
	def spread(values):
		return {"median": statistics.median(values), "min": min(values),
			"max": max(values)}
	case = load.case
	return {
		"case": case.name, "title": case.title, "peers": peers, "way": way.name,
		"objects": case.count, "bytes": load.bytes, "associations": case.associations,
		"wall_s": spread([r["wall_s"] for r in runs]),
		"objects_per_s": spread([case.count / r["wall_s"] for r in runs]),
		"mb_per_s": spread([load.bytes / 1e6 / r["wall_s"] for r in runs]),
		"cpu_s_per_gb": spread([r["cpu_s"] / load.bytes * 1e9 for r in runs]),
		"peak_mib": spread([r["peak_mib"] for r in runs]),
		"runs": runs,
	}


def run_case(case, peers, bench):
	"""Round by round, each way once, each round begun by another way."""
	load = Load(case, bench.memory)
	environment = PEERS[peers]
	folder = bench.memory / f"{peers}-{case.name}"
	folder.mkdir()
	pacs = ways.Pacs(folder, bench.pki, environment)
	chosen = [way(folder, bench.pki, pacs, bench.disk_folder())
		  for way in ways.available() if way.name in bench.options.ways]
	runs = {way.name: [] for way in chosen}
	try:
		for number in range(bench.options.rounds):
			bench.measure_syncs()
			turn = number % len(chosen)
			for way in chosen[turn:] + chosen[:turn]:
				runs[way.name].append(run(way, load, pacs, environment))
				print(f"{case.name}, {peers}, round {number + 1}, {way.name}: "
				      f"{runs[way.name][-1]['wall_s']:.2f} s", file=sys.stderr)
	finally:
		for server in [*chosen, pacs]:
			server.stop()
		load.remove()
		shutil.rmtree(folder)
	return [summary(load, peers, way, runs[way.name]) for way in chosen]


class Bench:
	def __init__(self, options):
		self.options = options
		self.memory = pathlib.Path(tempfile.mkdtemp(prefix="cathgate-bench-",
							    dir=options.memory))
		self.disk = pathlib.Path(tempfile.mkdtemp(prefix="cathgate-bench-",
							  dir=options.disk))
		self.pki = self.memory / "pki"
		self.syncs = {0: [], 0.0003: []}	# by the pause between two

	def measure_syncs(self):
		for pause, times in self.syncs.items():
			times.append(measure.fdatasync_seconds(
				self.disk, 20 if self.options.quick else 200, pause))

	def disk_folder(self):
		return pathlib.Path(tempfile.mkdtemp(dir=self.disk))

	def cases(self, peers):
		for case in CASES:
			if case.name not in self.options.cases:
				continue
			if self.options.quick:
				case = case.smaller(8, 1 << 20)
			else:
				most = self.options.shipped_objects if peers == "shipped" else \
					self.options.objects
				case = case.smaller(min(most, self.options.objects), case.size)
			yield case

	def perform(self):
		subprocess.run(["sh", ROOT / "certs/make-test-pki.sh", self.pki], check=True)
		result = {
			"machine": measure.machine(os.environ["CATHGATED"],
						   ways.Orthanc.program or "Orthanc"),
			"date": time.strftime("%Y-%m-%d"), "rounds": self.options.rounds,
			"quick": self.options.quick, "load_before": os.getloadavg(),
			"results": [], "limits": None,
		}
		for peers in self.options.peers:
			for case in self.cases(peers):
				result["results"] += run_case(case, peers, self)
		tight, spaced = [statistics.median(times) * 1000 if times else None
				 for times in self.syncs.values()]
		result["fdatasync_ms"], result["fdatasync_spaced_ms"] = tight, spaced
		if not self.options.no_limits:
			result["limits"] = limits.measure_all(self)
		result["goals"] = report.goals(result)
		return result

	def clean(self):
		shutil.rmtree(self.memory, ignore_errors=True)
		shutil.rmtree(self.disk, ignore_errors=True)


def options():
	names = [case.name for case in CASES]
	all_ways = [way.name for way in ways.available()]
	parser = argparse.ArgumentParser(prog="run.sh", description=__doc__)
	parser.add_argument("--quick", action="store_true",
			    help="one round, a few small objects: proves that it works, no more")
	parser.add_argument("--rounds", type=int, default=5)
	parser.add_argument("--cases", nargs="+", choices=names, default=names)
	parser.add_argument("--ways", nargs="+", choices=all_ways,
			    default=[way.name for way in ways.usual()],
			    help="unsynced is Cathgate with its syncs left out, waiting the "
			    "same with 0.15 ms of sleep in their place")
	parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS),
			    help="with TCP_NODELAY=1, as DCMTK ships them")
	parser.add_argument("--objects", type=int, default=sys.maxsize, metavar="N",
			    help="no more objects than that a run")
	parser.add_argument("--shipped-objects", type=int, default=sys.maxsize, metavar="N",
			    help="no more objects than that with peers as shipped, which take "
			    "some 80 ms each on most ways")
	parser.add_argument("--no-limits", action="store_true",
			    help="no memory, set-up time and held associations")
	parser.add_argument("--json", metavar="FILE", help="where to write the JSON; else it "
			    "follows the table")
	parser.add_argument("--memory", default="/dev/shm", metavar="FOLDER",
			    help="in memory, for objects and the PACS (3 GB)")
	parser.add_argument("--disk", default="/var/tmp", metavar="FOLDER",
			    help="on the disk that the audit log shall be on")
	chosen = parser.parse_args()
	if chosen.quick:
		chosen.rounds = 1
	if "orthanc" not in all_ways:
		print("Orthanc is missing and left out; apt-get install orthanc", file=sys.stderr)
	return chosen


def main():
	chosen = options()
	# Whoever ends it: what it started is ended too. (In the background of a script
	# SIGINT would be ignored.)
	for number in (signal.SIGTERM, signal.SIGINT):
		signal.signal(number, lambda *_: sys.exit(1))
	bench = Bench(chosen)
	try:
		result = bench.perform()
	finally:
		bench.clean()
	print(report.text(result))
	text = json.dumps(result, indent=1)
	if chosen.json:
		pathlib.Path(chosen.json).write_text(text + "\n")
	else:
		print(text)
	return 0


if __name__ == "__main__":
	sys.exit(main())
