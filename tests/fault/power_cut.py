"""power_cut.py KIND

Goal: wherever the power goes, what the modality heard to be stored is there. Spool and log lie
on EXT4, XFS and Btrfs, and the disk is copied as it was when the association's fsync returned,
when the auditor's fdatasync did, when the modality had its answer, and at random while objects
flow in and out. On each copy every acknowledged object opens as a whole, the log has its
record and verifies, and a gateway brings it to the PACS bit for bit, and nothing torn. With
one of the syncs left out, the copies lack something. (POWER_ROUNDS=10 cuts at random
ten times as often, POWER_SEED=N repeats a choice.)"""
import contextlib
import os
import pathlib
import random
import re
import signal
import sys
import threading
import time

import disk_image
import spool
import spool_opener
import steps
from disk_image import PLACE, Disk
from harness import SKIPPED, Skip, Test, eventually, stat, tool
from objects import make

if os.environ.get("CATHGATE_SANITIZE"):
	print("skipped: a sanitizer's processes can't be traced")
	sys.exit(SKIPPED)
disk_image.in_namespace()

ROUNDS = int(os.environ.get("POWER_ROUNDS", 1))
CUTS = 8	# a round
SEED = int(os.environ.get("POWER_SEED", time.time_ns() % 1000000))
print(f"POWER_SEED={SEED}")
chance = random.Random(SEED)
SIZES = (100, 70000, 300000)
# The file system writes nothing unasked meanwhile.
KINDS = {
	"ext4": ("ext4", ["mkfs.ext4", "-q"], 64, "commit=300"),
	"xfs": ("xfs", ["mkfs.xfs", "-q"], 300, "defaults"),
	"btrfs": ("btrfs", ["mkfs.btrfs", "-q"], 128, "commit=300"),
	"ext4-fast-commit": ("ext4", ["mkfs.ext4", "-q", "-O", "fast_commit"], 64, "commit=300"),
}
# By hand alone, and only at the steps: at times the kernel doesn't understand its journal.
FRAGILE = ("ext4-fast-commit",)
SPOOL, LOG = PLACE / "spool", PLACE / "audit.jsonl"


class Site:
	"""A gateway with spool and log on a disk, and what its modality and its PACS know."""

	def __init__(self, kind, port, environment=None):
		self.disk = Disk(*KINDS[kind])
		self.disk.mount()
		self.settings = {**spool.changes(t, directory=str(SPOOL), retry_first_seconds=300,
						 retry_max_seconds=300), "audit.file": str(LOG)}
		self.gateway = t.configured(port, self.settings)
		self.gateway.audit_file = LOG
		self.gateway.start(environment=environment)
		self.data_of, self.acknowledged, self.cuts = {}, set(), []
		stored.clear()

	def new_object(self, size):
		obj = make("explicit", size=size)
		self.data_of[obj.sop_instance] = obj.data
		return obj

	def store(self, modality, obj):
		if modality.store(obj).status == 0:
			self.acknowledged.add(obj.sop_instance)

	def cut(self, when, also_named=(), also_recorded=(), may_tear=False):
		"""What was named before the copy, and what the PACS has heard behind it."""
		self.cuts.append(Cut(when, self.disk.copy(), self.acknowledged, also_named, also_recorded,
				     may_tear))

	def end(self):
		assert self.gateway.stop() == 0
		self.disk.unmount()
		self.disk.remove()

	def opened(self):
		"""The objects in the folder under a good name, each opened, by their files' names."""
		found = {}
		for name in waiting():
			try:
				spool_opener.read_name(key(), name)
				metadata, _, data = spool_opener.open_object(
					key(), "pacs", (SPOOL / name).read_bytes())
			except spool_opener.Wrong:
				continue
			assert data == self.data_of[metadata["sop_instance"]], name
			found[name] = metadata["sop_instance"]
		return found

	def recorded(self):
		return {line["sop_instance"]
			for line in self.gateway.audit(event="instance", outcome="spooled")}

	def lacks(self, taken):
		"""What the copy should have and hasn't."""
		return (taken.named - taken.stored - {*self.opened().values()}) | (taken.recorded - self.recorded())

	def bring_up(self):
		"""A gateway that finds a copy: what is whole goes to the PACS, what is torn is told.
		The names of that."""
		torn = {*waiting()} - {*self.opened()}
		stored.clear()
		self.gateway.reconfigure({**self.settings, "destinations.0.port": pacs.port})
		self.gateway.start()
		eventually(lambda: not waiting())
		assert self.gateway.stop() == 0
		verify()
		for instance, data in stored:
			assert data == self.data_of[instance], "it is torn, and the PACS has it"
		assert len(self.gateway.audit(event="delivery", outcome="dead")) == len(torn)
		return torn

	def check(self, taken):
		assert not (lacks := self.lacks(taken)), lacks
		verify()
		torn = self.bring_up()
		assert not torn or taken.may_tear and all(name.endswith(".n") for name in torn), torn
		had = {instance for instance, _ in stored} | taken.stored
		assert taken.named <= had, taken.named - had
		lines = self.gateway.audit()
		assert had <= {line.get("sop_instance") for line in lines
			       if line["event"] in ("instance", "delivery")}
		delivered = {line.get("sop_instance") for line in lines
			     if line["event"] == "delivery" and line["outcome"] == "forwarded"}
		assert self.recorded() <= delivered, self.recorded() - delivered

	def each_copy(self, function):
		for taken in self.cuts:
			taken.disk.mount()
			try:
				function(taken)
			except BaseException as fault:
				raise AssertionError(taken.when) from fault
			taken.disk.unmount()
			taken.disk.remove()


class Cut:
	"""The disk as a loss of power would have left it, and what has to be there. `may_tear`: an
	object may have its name and lack data, for another one's sync has brought the name to the
	disk before its own; nobody has heard of it yet."""

	def __init__(self, when, disk, acknowledged, also_named, also_recorded, may_tear):
		self.when, self.disk, self.may_tear = when, disk, may_tear
		self.named = acknowledged | {*also_named}
		self.recorded = acknowledged | {*also_recorded}
		self.stored = {instance for instance, _ in stored}


def waiting():
	"""The names of the objects that are to be delivered."""
	return [name for name in (os.listdir(SPOOL) if SPOOL.exists() else ()) if re.search(r"\.[nq]$", name)]


def key():
	return t.work / "spool.key"


def verify():
	tool("audit", "verify", "--quiet", "--key", t.pki / "audit.key.pub", LOG)


def serve(association):
	association.accept()
	while (message := association.receive()) is not None:
		stored.append((message.command[0x1000], message.data))
		if is_slow.is_set():
			time.sleep(chance.random() * 0.02)
		association.respond(message)
	association.send(b"\x06\0\0\0\0\x04\0\0\0\0")


def stops(log):
	return log.read_text().count("--- stopped by SIGSTOP")


def cut_at_each_step(site):
	"""Whoever syncs is stopped when the sync has returned. (The auditor also records that the
	PACS is away.)"""
	modality = t.associate(site.gateway)
	victims = {"fsync": site.gateway.associations()[0], "fdatasync": site.gateway.helper("auditor")}
	logs, seen = {call: t.work / call for call in victims}, {call: 0 for call in victims}
	with steps.traced(victims["fsync"], "fsync", logs["fsync"], "-e", "inject=fsync:signal=SIGSTOP"), \
	     steps.traced(victims["fdatasync"], "fdatasync", logs["fdatasync"],
			  "-e", "inject=fdatasync:signal=SIGSTOP"):
		for size in SIZES:
			obj = site.new_object(size)
			sender = threading.Thread(target=site.store, args=(modality, obj), daemon=True)
			sender.start()
			while sender.is_alive():
				for call in [call for call, log in logs.items() if stops(log) > seen[call]]:
					seen[call] += 1
					named = {obj.sop_instance} if call == "fsync" else site.recorded()
					site.cut(f"{size} bytes, {call}", named, site.recorded())
					os.kill(victims[call], signal.SIGCONT)
				sender.join(0.002)
			site.cut(f"{size} bytes, answer")
			assert any(obj.sop_instance in taken.recorded for taken in site.cuts[:-1])
	assert seen["fsync"] == len(SIZES)
	os.kill(victims["fdatasync"], signal.SIGCONT)
	modality.release()


def stop_all(supervisor):
	"""Those that it had as children when it was stopped, and that their forker had made."""
	stopped = []
	for _ in range(2):
		for entry in pathlib.Path("/proc").glob("[0-9]*"):
			pid = int(entry.name)
			try:
				if pid not in stopped and supervisor in (pid, int(stat(pid)[1])):
					os.kill(pid, signal.SIGSTOP)
					stopped.append(pid)
			except OSError:
				pass
	return stopped


def cut_at_random(site):
	"""While two modalities send, and the PACS doesn't keep up."""
	def send():
		modality = t.associate(site.gateway)
		while not enough.is_set():
			site.store(modality, site.new_object(chance.choice(SIZES)))
			time.sleep(chance.random() * 0.01)
		modality.release()
	is_slow.set()
	enough = threading.Event()
	senders = [threading.Thread(target=send, daemon=True) for _ in range(2)]
	for sender in senders:
		sender.start()
	for number in range(CUTS):
		time.sleep(chance.random() * 0.1)
		stopped = stop_all(site.gateway.pid)
		site.cut(f"at random, number {number + 1}", may_tear=True)
		for pid in stopped:
			with contextlib.suppress(ProcessLookupError):	# it was about to end, and is reaped
				os.kill(pid, signal.SIGCONT)
	enough.set()
	for sender in senders:
		sender.join()
	is_slow.clear()


def cut_without(call, kind):
	"""That sync left out: how many of the copies lack something, and how many objects of these
	are torn."""
	site = Site(kind, 1, {"LD_PRELOAD": os.environ["CATHGATE_UNSYNCED"], "UNSYNCED_ONLY": call})
	modality = t.associate(site.gateway)
	for size in SIZES:
		site.store(modality, site.new_object(size))
		site.cut(f"{size} bytes")
	modality.release()
	site.end()
	lacking, torn = [], []
	def look(taken):
		lacking.append(bool(site.lacks(taken)))
		torn.append(len(site.bring_up()))
	site.each_copy(look)
	return sum(lacking), sum(torn)


def run(kind):
	at_random = [] if kind in FRAGILE else [(pacs.port, cut_at_random)] * ROUNDS
	for port, cut in [(1, cut_at_each_step), *at_random]:
		site = Site(kind, port)
		cut(site)
		site.end()
		site.each_copy(site.check)
		print(f"{kind}: {cut.__name__}: {len(site.cuts)} copies of {len(site.acknowledged)} objects at most")
	for call in () if kind in FRAGILE else ("fsync", "fdatasync"):
		lacking, torn = cut_without(call, kind)
		print(f"{kind}: without {call} {lacking} of {len(SIZES)} copies lack something, {torn} objects are torn")
		assert lacking > 0


with Test() as t:
	if not steps.can_trace():
		raise Skip("this machine lets nobody trace")
	stored, is_slow = [], threading.Event()
	pacs = t.pacs(serve)
	run(sys.argv[1])
