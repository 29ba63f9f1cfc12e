"""This build beside another, in turns and as ratios: handshakes and set-up, large and small
objects, refused connections, reloads. What a change costs is seen by the build of the commit
before it.

	PYTHONPATH=tests/lib python3 tests/bench/beside.py OTHER-CATHGATED [--rounds N] [--quick]

It takes this build's daemon from $CATHGATED, and succeeds when everybody got the answer that is
due, however long that took."""
import argparse
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import bench
import limits
import measure
import ways

NODELAY = {"TCP_NODELAY": "1"}


class Other(ways.Cathgate):
	name = "other"


class Figures:
	"""Of each kind, each round's figure of this build by the other's."""

	def __init__(self, gateways):
		self.gateways = gateways	# this build's first
		self.rounds = {}

	def add(self, number, what, measured):
		"""measured(gateway) gives figures by their names. Who begins changes."""
		order = self.gateways if number % 2 else self.gateways[::-1]
		found = {gateway.name: measured(gateway) for gateway in order}
		this, other = (found[gateway.name] for gateway in self.gateways)
		for name, value in this.items():
			self.rounds.setdefault(f"{what}, {name}", []).append((value, other[name]))
		print(f"round {number + 1}: {what}", file=sys.stderr)

	def show(self):
		print(f"{'figure':44} {'this':>9} {'other':>9} {'ratio':>6}  min-max of the ratios")
		for what, pairs in self.rounds.items():
			ratios = [this / other for this, other in pairs if other]
			if not ratios:
				continue
			this, other = (statistics.median(column) for column in zip(*pairs))
			print(f"{what:44} {this:9.4g} {other:9.4g} {statistics.median(ratios):6.2f}"
			      f"  {min(ratios):.2f}-{max(ratios):.2f}")


def per(gateway, count, work):
	"""What count connections cost: time and CPU of each, in milliseconds."""
	gateway.settle()
	cpu, began = measure.cpu_seconds(gateway.pids), time.perf_counter()
	work()
	wall = time.perf_counter() - began
	gateway.settle()
	cpu = measure.cpu_seconds(gateway.pids) - cpu
	return {"ms": wall / count * 1000, "CPU ms": cpu / count * 1000}


def handshakes(gateway, seconds):
	"""Mutual TLS, and no association; one after another, by openssl s_time."""
	key = gateway.pki / gateway.certificate
	gateway.settle()
	cpu = measure.cpu_seconds(gateway.pids)
	done = subprocess.run(
		["openssl", "s_time", "-connect", f"127.0.0.1:{gateway.port}", "-new", "-time",
		 str(seconds), "-CAfile", f"{gateway.pki}/hospital-ca.crt", "-cert", f"{key}.crt",
		 "-key", f"{key}.key"], capture_output=True, text=True)
	found = re.search(r"(\d+) connections in (\d+) real seconds", done.stdout)
	assert found, done.stdout + done.stderr
	gateway.settle()
	cpu = measure.cpu_seconds(gateway.pids) - cpu
	return {"a second": int(found[1]) / int(found[2]), "CPU ms": cpu / int(found[1]) * 1000}


def set_ups(gateway, count):
	"""From connect() to the A-ASSOCIATE-AC; the CPU is with the release."""
	def work():
		for _ in range(count):
			times.append(limits.set_up_seconds(gateway))
	times = []
	return {**per(gateway, count, work), "ms": statistics.median(times) * 1000}


def refused(gateway, count):
	"""Who doesn't speak TLS."""
	def work():
		for _ in range(count):
			with socket.create_connection(("127.0.0.1", gateway.port)) as sock:
				sock.sendall(b"\x01\0\0\0\0\x44" + bytes(68))
				try:
					while sock.recv(4096):
						pass
				except ConnectionResetError:
					pass
	return per(gateway, count, work)


def reloads(gateway, count):
	"""As the gateway itself times them."""
	def times():
		return re.findall(r"reloaded in (\d+) ms", (gateway.work / "log").read_text())
	before = len(times())
	cpu = measure.cpu_seconds(gateway.pids)
	for number in range(count):
		os.kill(gateway.pid, signal.SIGHUP)
		ways.eventually(lambda: len(times()) == before + number + 1)
	gateway.settle()
	cpu = measure.cpu_seconds(gateway.pids) - cpu
	return {"ms": statistics.median(map(int, times()[before:])), "CPU ms": cpu / count * 1000}


def objects(gateway, load, pacs):
	run = bench.run(gateway, load, pacs, NODELAY)
	return {"s": run["wall_s"], "CPU s": run["cpu_s"]}


def measure_all(options, folder):
	pki = folder / "pki"
	subprocess.run(["sh", bench.ROOT / "certs/make-test-pki.sh", pki], check=True)
	pacs = ways.Pacs(folder, pki, NODELAY)
	Other.program = options.other
	gateways = [way(folder, pki, pacs, pathlib.Path(tempfile.mkdtemp(dir=options.disk)))
		    for way in (ways.Cathgate, Other)]
	loads = [bench.Load(case.smaller(8, 1 << 20) if options.quick else
			    case.smaller(500, case.size), folder)
		 for case in bench.CASES if case.name in ("cine", "medium")]
	few = 3 if options.quick else 30
	figures = Figures(gateways)
	try:
		for number in range(options.rounds):
			figures.add(number, "handshakes", lambda g: handshakes(g, 1 if options.quick else 4))
			figures.add(number, "set-up", lambda g: set_ups(g, few))
			figures.add(number, "refused", lambda g: refused(g, 5 * few))
			figures.add(number, "reload", lambda g: reloads(g, few // 3))
			for load in loads:
				figures.add(number, load.case.title, lambda g: objects(g, load, pacs))
	finally:
		for server in (*gateways, pacs):
			server.stop()
		for gateway in gateways:
			shutil.rmtree(gateway.audit_folder, ignore_errors=True)
	figures.show()


def main():
	parser = argparse.ArgumentParser(description=__doc__)
	parser.add_argument("other", help="another build's cathgated")
	parser.add_argument("--rounds", type=int, default=5)
	parser.add_argument("--quick", action="store_true", help="one round with little of all")
	parser.add_argument("--disk", default="/var/tmp", help="where the audit logs shall be")
	options = parser.parse_args()
	if options.quick:
		options.rounds = 1
	with tempfile.TemporaryDirectory(prefix="cathgate-beside-", dir="/dev/shm") as folder:
		measure_all(options, pathlib.Path(folder))


if __name__ == "__main__":
	main()
