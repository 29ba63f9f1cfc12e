"""Goal: with a real gateway and a real sender, too: whatever the auditor's N-th change of a
file meets, no object is acknowledged without its record, and the log holds after a restart.

The unit test takes every step in every way; this one takes each step in some way, in turn,
several gateways at once.
"""
import concurrent.futures
import itertools
import json
import os
import re
import signal
import struct
import subprocess
import sys
import threading

import wait
from chain import by_age, read_log
from dicom import Aborted, Closed
from harness import SKIPPED, Test, cathgate, cathgated
from objects import make

if os.environ.get("CATHGATE_SANITIZE"):
	print("skipped: a sanitizer wants to be loaded first")
	sys.exit(SKIPPED)

HOWS = ("count", "EIO", "ENOSPC", "half a write", "kill before", "kill after", "kill in half",
	"group before", "group after", "power, torn", "power, zeros")
ORDERS = struct.Struct("<IIII256s")
FIRED_GROUP = 2
OBJECTS = 4
TOGETHER = 6
CHANGES = {"audit.rotate_bytes": 6000, "audit.checkpoint_records": 4}
ROUNDS = 3	# of all steps, each by another way


class Orders:
	"""What tests/fault/fault.c is told, and how far it has come."""

	def __init__(self, path, directory, step, how):
		path.write_bytes(ORDERS.pack(0, step, how, 0, f"{directory}/".encode()))
		self.path = path

	def read(self):
		return ORDERS.unpack(self.path.read_bytes())

	@property
	def steps(self):
		return self.read()[0]

	@property
	def fired(self):
		return bool(self.read()[3])

	def kill_group(self, gateway, is_over):
		"""A sandboxed process can't: it waits, and this kills it with its group."""
		while not is_over.wait(0.005):
			if self.read()[3] == FIRED_GROUP:
				os.killpg(gateway.process.pid, signal.SIGKILL)
				return


def start(gateway, orders=None):
	"""In a process group of its own, for some faults end that."""
	path = str(gateway.folder / "notify")
	notify = wait.notify_socket(path)
	environment = {**os.environ, "NOTIFY_SOCKET": path}
	if orders:
		environment |= {"LD_PRELOAD": os.environ["CATHGATE_FAULT"],
				"FAULT_ORDERS": str(orders.path)}
	earlier = len(gateway.log()) if gateway.log_file.exists() else 0
	with open(gateway.log_file, "ab") as log:
		gateway.process = subprocess.Popen(
			[cathgated(), "--config", gateway.config, "--foreground"],
			stdin=subprocess.DEVNULL, stdout=log, stderr=log,
			env=environment, start_new_session=True)
	ready = wait.wait_ready(notify, gateway.process.pid)
	notify.close()
	os.unlink(path)
	gateway.ports = [int(port) for port in
			 re.findall(r"listening on \S+ port (\d+)", gateway.log()[earlier:])]
	return ready


def store_all(gateway, told):
	"""What the modality was told of each object."""
	modality = None
	for _ in range(OBJECTS):
		obj = make("explicit")
		try:
			modality = modality or t.associate(gateway)
			told[obj.sop_instance] = None	# nothing, so far
			told[obj.sop_instance] = modality.store(obj).status
		except (Aborted, Closed, OSError, AssertionError):
			modality = None
			if gateway.process.poll() is not None:
				start(gateway)
	if modality:
		try:
			modality.release()
		except (Aborted, Closed, OSError, AssertionError):
			pass


def check(folder, told):
	lines = read_log(folder)
	for sop_instance, status in told.items():
		outcomes = [line["outcome"] for line in lines
			    if line.get("sop_instance") == sop_instance]
		if status == 0:
			assert "forwarded" in outcomes, f"acknowledged, but {outcomes}"
		elif status is not None:
			assert outcomes and outcomes[-1] != "forwarded", \
				f"told {status:04X}, but {outcomes}"
	everything = json.dumps(lines)
	for torn in folder.glob("audit.torn-*"):
		assert torn.name in everything, f"{torn.name} is named nowhere"
	assert not list(folder.glob("audit.bro*")), "a log that nobody broke"
	verify = [cathgate(), "audit", "verify", "--key",
		  t.pki / "audit.key.pub", *by_age(folder)]
	verified = subprocess.run(verify, capture_output=True, text=True)
	assert verified.returncode == 0, verified.stdout + verified.stderr


def run(step, how):
	"""Whether the fault came."""
	with lock:
		gateway = t.configured(pacs, CHANGES)
		number = len(t.gateways)
	folder = gateway.folder / "audit"
	folder.mkdir()
	gateway.config.write_text(gateway.config.read_text().replace(
		str(gateway.audit_file), str(folder / "audit.jsonl")))
	gateway.audit_file = folder / "audit.jsonl"
	orders = Orders(t.work / f"orders-{number}", folder, step, how)
	told, is_over = {}, threading.Event()
	killer = threading.Thread(target=orders.kill_group, args=(gateway, is_over))
	killer.start()
	try:
		if not start(gateway, orders):
			gateway.process.wait(wait.PATIENCE)
			assert start(gateway), "it doesn't start again"
		store_all(gateway, told)
		if gateway.process.poll() is None:
			gateway.stop()
		assert start(gateway), "it doesn't start again"
		assert t.associate(gateway).store(make("explicit")).status == 0
		assert gateway.stop() == 0
		check(folder, told)
	except BaseException as fault:
		raise AssertionError(f"{HOWS[how]} at step {step}") from fault
	finally:
		is_over.set()
		killer.join()
	gateway.process = None	# nothing to tell of it
	return orders.fired


with Test() as t:
	lock = threading.Lock()
	pacs = t.pacs()
	count = 0
	ways = len(HOWS) - 1
	with concurrent.futures.ThreadPoolExecutor(TOGETHER) as pool:
		for turn in range(ROUNDS):
			for first in itertools.count(1, TOGETHER):
				runs = [pool.submit(run, step, 1 + (step + 3 * turn) % ways)
					for step in range(first, first + TOGETHER)]
				fired = sum(one.result() for one in runs)
				count += fired
				if not fired:
					break
	assert count > 40 * ROUNDS, count
	print(f"{count} faults")
