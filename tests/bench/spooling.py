"""The spool's modes in turns, as ratios of `off`; the courier beside storescu; a cold start.

	PYTHONPATH=tests/lib python3 tests/bench/spooling.py [--rounds N] [--quick] [PART...]

Parts: modes (what the modality waits, with a PACS that takes all), slow (a PACS that takes
200 ms for each object), drain (a backlog, beside as many storescu straight to the PACS),
queue (a cold start with many queued objects), away (the wait for an answer while the PACS is
away, beside the disk's own sync)."""
import argparse
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

import bench
import dicom
import harness
import measure
import objects
import spool
import ways

NODELAY = {"TCP_NODELAY": "1"}


class Spooling(ways.Cathgate):
	mode = "off"
	more = {}

	def __init__(self, work, pki, pacs, audit_folder):
		self.key = spool.make_key(audit_folder)
		super().__init__(work, pki, pacs, audit_folder)

	def changes(self):
		return {**super().changes(), **self.more,
			"spool": {"mode": self.mode, "key": str(self.key), "duplicate_hours": 0,
				  "directory": str(self.audit_folder / "spool"),
				  "min_free_bytes": 4096, "retry_first_seconds": 1}}

	def spool_processes(self):
		return [(pid, role) for pid, role in harness.roles(self.pid).items()
			if role in ("spooler", "spool-keeper", "courier")]

	def queued(self):
		folder = self.audit_folder / "spool"
		return sum(name.endswith(".q") for name in os.listdir(folder))


class Off(Spooling):
	name = "off"


class Fallback(Spooling):
	name, mode = "fallback", "fallback"


class Always(Spooling):
	name, mode = "always", "always"


def table(title, rounds, base):
	print(f"\n{title}")
	for name, values in rounds.items():
		ratios = [value / of for value, of in zip(values, rounds[base])]
		print(f"  {name:24} {statistics.median(values):9.4g}   of {base}: "
		      f"{statistics.median(ratios):5.2f}  {min(ratios):.2f}-{max(ratios):.2f}",
		      flush=True)


def in_turns(number, ways_):
	return ways_ if number % 2 else ways_[::-1]


def send_seconds(way, load):
	began = time.perf_counter()
	bench.send(way, load, NODELAY)
	return time.perf_counter() - began


def wait_empty(way, pacs, count):
	ways.eventually(lambda: pacs.count() >= count, 3600)
	ways.eventually(lambda: not getattr(way, "queued", lambda: 0)(), 600)
	pacs.empty()


def modes(options, folder, pki):
	pacs = ways.Pacs(folder, pki, NODELAY)
	gateways = [way(folder, pki, pacs, pathlib.Path(tempfile.mkdtemp(dir=options.disk)))
		    for way in (Off, Fallback, Always)]
	few = 20 if options.quick else 300
	cases = [bench.Case("512 KiB", few, 512 << 10), bench.Case("10 KiB", 2 * few, 10 << 10),
		 bench.Case("large", 1, (4 if options.quick else 256) << 20),
		 bench.Case("four", 4 * few, 512 << 10, 4)]
	for case in cases:
		load = bench.Load(case, folder)
		rounds = {gateway.name: [] for gateway in gateways}
		for number in range(options.rounds):
			for gateway in in_turns(number, gateways):
				rounds[gateway.name].append(send_seconds(gateway, load))
				wait_empty(gateway, pacs, case.count)
		load.remove()
		table(f"seconds for {case.title}", rounds, "off")
	end(pacs, gateways)


def end(pacs, gateways):
	for server in (*gateways, *([pacs] if pacs else [])):
		server.stop()
	for gateway in gateways:
		if hasattr(gateway, "audit_folder"):
			shutil.rmtree(gateway.audit_folder, ignore_errors=True)


class SlowPacs:
	"""One that takes its time for each object."""

	def __init__(self, pki, seconds):
		self.seconds, self.stored = seconds, 0
		self.pacs = dicom.Pacs(dicom.server_context(pki, "pacs", "hospital-ca"), self.serve)
		self.port = self.pacs.port

	def serve(self, association):
		association.accept()
		while (message := association.receive()) is not None:
			time.sleep(self.seconds)
			self.stored += 1
			association.respond(message)
		association.send(dicom.release_pdu(dicom.RELEASE_RP))


def slow(options, folder, pki):
	count = 5 if options.quick else 50
	load = bench.Load(bench.Case("slow", count, 512 << 10), folder)
	slow_one, fast_one = SlowPacs(pki, 0.2), SlowPacs(pki, 0)
	gateways = []
	for pacs, name in ((slow_one, "200 ms"), (fast_one, "at once")):
		way = type(name, (Always,), {"name": name, "more": {"destinations.0.couriers": 16}})
		gateways.append(way(folder, pki, pacs, pathlib.Path(tempfile.mkdtemp(dir=options.disk))))
	rounds = {gateway.name: [] for gateway in gateways}
	for number in range(options.rounds):
		for gateway in in_turns(number, gateways):
			rounds[gateway.name].append(send_seconds(gateway, load))
			ways.eventually(lambda: not gateway.queued(), 600)
	load.remove()
	table(f"always: seconds for {count} objects of 512 KiB, a PACS that takes 200 ms for each",
	      rounds, "at once")
	end(None, gateways)


def drain(options, folder, pki):
	count, couriers = (40, 2) if options.quick else (options.backlog, 2)
	pacs = ways.Pacs(folder, pki, NODELAY, keep=False)
	direct = ways.Direct(folder, pki, pacs, None)
	way = type("drain", (Always,), {"name": "drain", "more": {"destinations.0.couriers": couriers}})
	gateway = way(folder, pki, pacs, pathlib.Path(tempfile.mkdtemp(dir=options.disk)))
	load = bench.Load(bench.Case("drain", count, 512 << 10, couriers), folder)
	rounds = {"courier": [], "storescu": []}
	for number in range(options.rounds):
		def by_storescu():
			rounds["storescu"].append(count / send_seconds(direct, load))

		def by_courier():
			tell = lambda port: gateway.reconfigure({"destinations.0.port": port})
			tell(1)
			bench.send(gateway, load, NODELAY)
			assert gateway.queued() == count, gateway.queued()
			began = time.perf_counter()
			tell(pacs.port)
			# from the first delivery to the last
			ways.eventually(lambda: gateway.queued() < count, 60, 0.001)
			began, left = time.perf_counter(), gateway.queued()
			ways.eventually(lambda: not gateway.queued(), 3600, 0.005)
			rounds["courier"].append(left / (time.perf_counter() - began))
		for work in in_turns(number, [by_storescu, by_courier]):
			work()
	load.remove()
	table(f"objects of 512 KiB a second, {count} of them, by {couriers} at once", rounds,
	      "storescu")
	end(pacs, [gateway, direct])


def away(options, folder, pki):
	count = 10 if options.quick else 200
	way = type("away", (Always,), {"name": "away"})
	pacs = type("nobody", (), {"port": 1})
	disk = pathlib.Path(tempfile.mkdtemp(dir=options.disk))
	gateway = way(folder, pki, pacs, disk)
	obj = objects.make("explicit", size=512 << 10)
	association = dicom.Association(dicom.connect(gateway.port, dicom.client_context(pki, "angio")))
	association.request(contexts=[dicom.XA_CONTEXT])
	waits, syncs = [], []
	for number in range(count):
		obj = objects.make("explicit", size=512 << 10)
		association.store_command(obj)
		association.send_data(1, obj.data)
		began = time.perf_counter()
		association.receive()
		waits.append(time.perf_counter() - began)
		with open(disk / "beside", "wb", 0) as file:
			file.write(obj.data)
			began = time.perf_counter()
			os.fsync(file.fileno())
			syncs.append(time.perf_counter() - began)
	association.release()
	print(f"\nms from the last byte to the answer, PACS away: median "
	      f"{statistics.median(waits) * 1e3:.2f}; fsync of a new file of 512 KiB: "
	      f"{statistics.median(syncs) * 1e3:.2f}; difference "
	      f"{(statistics.median(waits) - statistics.median(syncs)) * 1e3:.2f}")
	end(None, [gateway])


def queue(options, folder, pki):
	"""Names alone are read at a start: so hard links to one object's content would do, but
	each name speaks of its own header. One object is sent, and the rest are small ones."""
	count = 200 if options.quick else options.queue
	pacs = SlowPacs(pki, 0)
	way = type("queue", (Always,), {"name": "queue"})
	gateway = way(folder, pki, type("nobody", (), {"port": 1}),
		      pathlib.Path(tempfile.mkdtemp(dir=options.disk)))
	def send(number):
		association = dicom.Association(dicom.connect(gateway.port,
							      dicom.client_context(pki, "angio")))
		association.request(contexts=[dicom.XA_CONTEXT])
		for _ in range(number):
			assert association.store(objects.make("explicit", size=100)).status == 0
		association.release()

	senders = [threading.Thread(target=send, args=(count // 4,)) for _ in range(4)]
	for sender in senders:
		sender.start()
	for sender in senders:
		sender.join()
	began = time.perf_counter()
	listed = subprocess.run([harness.cathgate(), "spool", "list", "--config",
				 gateway.work / "cathgate.conf"],
				check=True, capture_output=True).stdout.count(b"\n")
	print(f"\nspool list: {listed} lines in {time.perf_counter() - began:.2f} s")
	gateway.reconfigure({"destinations.0.port": pacs.port}, tell=False)
	began = time.perf_counter()
	gateway.restart()
	ways.eventually(lambda: pacs.stored > 0, 60, 0.001)
	first = time.perf_counter() - began
	log = (gateway.work / "log").read_text()
	ready = re.findall(r"the spool is ready after (\d+) ms: (\d+) objects", log)[-1]
	sizes = {name: measure.memory_kib(pid) for pid, name in gateway.spool_processes()}
	print(f"\n{count} queued objects: {first:.2f} s to the first delivery, {ready[0]} ms for the "
	      f"folder, {sum(sizes.values()) / 1024:.0f} MiB in {sorted(sizes)}")
	end(None, [gateway])


PARTS = {"modes": modes, "slow": slow, "drain": drain, "away": away, "queue": queue}


def main():
	parser = argparse.ArgumentParser(description=__doc__)
	parser.add_argument("parts", nargs="*", metavar="PART")
	parser.add_argument("--rounds", type=int, default=5)
	parser.add_argument("--backlog", type=int, default=2000)
	parser.add_argument("--queue", type=int, default=100000)
	parser.add_argument("--quick", action="store_true", help="one round with little of all")
	parser.add_argument("--disk", default="/var/tmp", help="where log and spool shall be")
	options = parser.parse_args()
	if options.quick:
		options.rounds = 1
	with tempfile.TemporaryDirectory(prefix="cathgate-spool-", dir="/dev/shm") as folder:
		pki = pathlib.Path(folder) / "pki"
		subprocess.run(["sh", bench.ROOT / "certs/make-test-pki.sh", pki], check=True)
		for part in options.parts or PARTS:
			work = pathlib.Path(folder) / part
			work.mkdir()
			PARTS[part](options, work, pki)


if __name__ == "__main__":
	main()
