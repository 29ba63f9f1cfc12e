"""Goal: while a thousand objects flow, in each of the spool's modes, each kind of process is
killed again and again, the supervisor among them, and the PACS comes and goes. Every
object that was acknowledged is at the PACS in the end, bit for bit; log, spool and PACS
reconcile. (SPOOL_KILLS=1000 kills as often, SPOOL_SEED=N repeats a choice.)"""
import collections
import os
import random
import shutil
import signal
import threading
import time

import spool
from dicom import Aborted, Closed
from harness import Test, is_alive, roles
from objects import make

KILLS = int(os.environ.get("SPOOL_KILLS", 160))	# in each mode
SEED = int(os.environ.get("SPOOL_SEED", time.time_ns() % 1000000))
OBJECTS, SENDERS = 1000, 4
print(f"SPOOL_SEED={SEED}")
chance = random.Random(SEED)

stored, stored_lock = collections.Counter(), threading.Lock()
data_of = {}
well = threading.Event()
well.set()


def serve(association):
	association.accept()
	while (message := association.receive()) is not None:
		if not well.is_set():
			return
		with stored_lock:
			stored[message.command[0x1000], message.data] += 1
		association.respond(message)
	association.send(b"\x06\0\0\0\0\x04\0\0\0\0")


def send_all(objects):
	objects, modality = list(objects), None
	while objects:
		try:
			if modality is None:
				modality = t.associate(gateway)
			if modality.store(objects[0]).status == 0:
				acknowledged.add(objects.pop(0).sop_instance)
				continue
		except (Aborted, Closed, OSError, AssertionError):
			pass
		if modality:
			modality.close()
		modality = None
		time.sleep(0.02)
	modality.release()


def kill_one():
	victims = [(role, pid) for pid, role in roles(gateway.pid).items()
		   if role and role != "scribe" and is_alive(pid)]
	by_role = collections.defaultdict(list)
	for role, pid in victims:
		by_role[role].append(pid)
	if not by_role:	# all of them are being started again
		return
	role = chance.choice(sorted(by_role))
	try:
		os.kill(chance.choice(by_role[role]), signal.SIGKILL)
		killed[role] += 1
	except ProcessLookupError:
		pass


def restart():
	gateway.process.kill()
	gateway.process.wait()
	gateway.start()
	killed["supervisor"] += 1


def run(mode):
	global gateway, acknowledged, killed
	gateway = t.gateway(t.peers[0], spool.changes(t, mode))
	acknowledged, killed = set(), collections.Counter()
	for known in (stored, data_of):
		known.clear()
	shares = []
	for number in range(SENDERS):
		shares.append([make("explicit", size=chance.choice((50, 20000, 300000)))
			       for _ in range(OBJECTS // SENDERS)])
	for obj in sum(shares, []):
		data_of[obj.sop_instance] = obj.data
	senders = [threading.Thread(target=send_all, args=(share,), daemon=True)
		   for share in shares]
	for sender in senders:
		sender.start()
	while any(sender.is_alive() for sender in senders) or sum(killed.values()) < KILLS:
		time.sleep(chance.random() * 0.1)
		if chance.random() < 0.02:
			restart()
		elif sum(killed.values()) < 2 * KILLS:
			kill_one()
		if chance.random() < 0.05:
			(well.clear if well.is_set() else well.set)()
	well.set()
	print(f"killed in {mode}: {dict(killed)}")
	assert len(acknowledged) == OBJECTS

	spool.wait_delivered(t)
	dead = spool.names(t, "x")
	assert not dead, dead
	at_pacs = {instance for instance, _ in stored}
	assert acknowledged <= at_pacs, sorted(acknowledged - at_pacs)[:5]
	for instance, data in stored:
		assert data_of[instance] == data, instance
	forwarded = {line["sop_instance"] for line in gateway.audit(outcome="forwarded")}
	told = {line["sop_instance"] for line in gateway.audit(event="instance")
		if line["outcome"] in ("spooled", "forwarded")}
	assert acknowledged <= told, sorted(acknowledged - told)[:5]
	assert acknowledged <= forwarded, sorted(acknowledged - forwarded)[:5]
	assert at_pacs <= {line.get("sop_instance") for line in gateway.audit()
			   if line["event"] in ("instance", "delivery")}
	gateway.stop()
	shutil.rmtree(t.work / "spool")


with Test() as t:
	t.pacs(serve)
	for mode in os.environ.get("SPOOL_MODE", "always fallback").split():
		run(mode)
