"""Goal: each system call by which an object goes into the spool and out of it fails in each way
that a disk can fail it, or is the process's last. The modality hears A7xx or loses its
association; what it heard to be stored is at the PACS in the end, bit for bit, and in the log;
nothing is left behind, and the next object goes through."""
import os
import re
import signal
import subprocess
import sys

import spool
import steps
from dicom import Aborted, Closed
from harness import SKIPPED, Skip, Test, child, eventually
from objects import make

if os.environ.get("CATHGATE_SANITIZE"):
	print("skipped: a sanitizer's processes can't be traced")
	sys.exit(SKIPPED)

ERRORS = ("error=EIO", "error=ENOSPC", "error=EROFS")
DEATH = ("signal=KILL",)
CASES = [	# who, which call, which time, how
	*[("association", call, number, how) for call, numbers in
	  (("pwrite64", (1, 2, 3, 4)), ("ftruncate", (1,)), ("fsync", (1, 2))) for number in numbers
	  for how in (*ERRORS, *DEATH)],
	*[("spooler", "openat", number, how) for number in (1, 2) for how in (*ERRORS, *DEATH)],
	*[("spooler", "linkat", number, how) for number in (1, 2) for how in (*ERRORS, *DEATH)],
	*[("spooler", "renameat", number, how) for number in (1, 2) for how in (*ERRORS, *DEATH)],
	*[("spooler", "sendmsg", number, how) for number in (1, 2, 3, 4, 5) for how in DEATH],
	*[("spooler", "fstatfs", 1, how) for how in ERRORS],
	*[("courier", call, number, how) for call in ("pread64",) for number in (1, 2)
	  for how in ("error=EIO", *DEATH)],
	*[("courier", call, number, how) for call in ("sendto",) for number in (1, 3, 6)
	  for how in DEATH],
]


class Traced:
	def __init__(self, pid, call, number, how):
		self.log = t.work / "strace"
		self.process = subprocess.Popen(
			["strace", "-f", "-p", str(pid), "-o", self.log, "-e", f"trace={call}", "-e",
			 f"inject={call}:{how}:when={number}"], stderr=subprocess.PIPE, text=True)
		line = self.process.stderr.readline()
		assert "attached" in line, line

	def end(self):
		self.process.send_signal(signal.SIGINT)
		self.process.wait()
		self.process.stderr.close()
		text = self.log.read_text()
		return "INJECTED" in text or "killed by SIGKILL" in text


def store(modality, obj):
	"""What the modality heard; None when it lost its association."""
	try:
		return modality.store(obj).status
	except (Aborted, Closed, OSError, AssertionError):
		return None


def victim(who):
	if who == "association":
		return gateway.associations()[0]
	return eventually(lambda: child(gateway.pid, who))


def run(who, call, number, how):
	modality = t.associate(gateway)
	if who == "courier":	# it lingers behind what it has delivered
		assert modality.store(make("explicit", size=100)).status == 0
	traced = Traced(victim(who), call, number, how)
	for size in (100, 100000, 100):
		obj = make("explicit", size=size)
		status = store(modality, obj)
		assert status is None or status == 0 or status & 0xFF00 == 0xA700, hex(status)
		if status == 0:
			acknowledged[obj.sop_instance] = obj.data
		if status is None:
			modality.close()
			modality = t.associate(gateway)
	if who != "association":
		spool.wait_delivered(t)
	fired = traced.end()
	obj = make("explicit", size=1000)
	eventually(lambda: store_anew(obj) == 0)
	acknowledged[obj.sop_instance] = obj.data
	try:
		modality.release()
	except (Aborted, Closed, OSError, AssertionError):
		pass
	spool.wait_delivered(t)
	return fired


def store_anew(obj):
	modality = t.associate(gateway)
	status = store(modality, obj)
	modality.close()
	return status


with Test() as t:
	if not steps.can_trace():
		raise Skip("this machine lets nobody trace")
	pacs = t.pacs()
	gateway = t.gateway(pacs, {**spool.changes(t, retry_max_seconds=1),
				   "destinations.0.couriers": 1})
	gateway.is_attacked = True	# an injected error is a call that the sandbox doesn't know
	acknowledged, fired, idle = {}, 0, []
	for case in CASES:
		try:
			if run(*case):
				fired += 1
			else:
				idle.append(case)
		except BaseException as fault:
			raise AssertionError(f"{case}") from fault
	assert not idle, idle
	# Names that the disk refused are told of once, until all have theirs.
	refused = [line for line in gateway.audit(event="alert", reason="spool-unavailable")
		   if "can't be renamed" in line["detail"]]
	assert 1 <= len(refused) <= len([case for case in CASES if case[1] == "renameat"
					 and case[3] in ERRORS]), refused
	stored = {}
	while not pacs.stored.empty():
		message = pacs.stored.get()
		stored.setdefault(message.command[0x1000], set()).add(message.data)
	for instance, data in acknowledged.items():
		assert stored.get(instance) == {data}, instance
	told = {line.get("sop_instance") for line in gateway.audit() if line["event"] == "instance"
		and line["outcome"] in ("spooled", "unconfirmed")}
	assert set(acknowledged) <= told and set(stored) <= told, set(stored) - told
	assert not spool.names(t, "x"), spool.names(t, "x")
	files = [name for name in os.listdir(t.work / "spool") if not re.search(r"\.d$", name)]
	assert all(name == "socket" or name.startswith("accepted.") for name in files), files
	print(f"{fired} faults")
