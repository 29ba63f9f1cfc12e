"""Goal: for each object that is acknowledged from the spool there is one sync of its file, behind
the link that names it, and then one of the log; only then comes the answer, and the spooler
hears first that the object stays. Root, who reads the association's memory then, finds no
object's key there, and its descriptor can't be read from."""
import os
import re

import spool
import spool_opener
import steps
from harness import Skip, Test, child, eventually
from memory import memory
from objects import make

SANITIZED = bool(os.environ.get("CATHGATE_SANITIZE"))
CALLS = "linkat,fsync,fdatasync,pwrite64,ftruncate,sendto,sendmsg,write,writev,openat,renameat,unlinkat"


def trace(gateway, modality, obj):
	"""Who called what, in order."""
	pids = {gateway.associations()[0]: "association", child(gateway.pid, "spooler"): "spooler",
		child(gateway.pid, "auditor"): "auditor"}
	first, *others = pids
	log = t.work / "calls"
	with steps.traced(first, CALLS, log, *(part for pid in others for part in ("-p", str(pid)))):
		assert modality.store(obj).status == 0
	calls = []
	for line in log.read_text().splitlines():
		found = re.match(r"(\d+)\s+(?:<\.\.\. )?(\w+)", line)
		if found and "resumed" not in line:
			calls.append((pids[int(found[1])], found[2]))
	return calls


def object_key(name):
	"""The AES key of the object, as whoever has the private key finds it."""
	content = (t.work / "spool" / name).read_bytes()
	key, _ = spool_opener.hpke(t.work / "spool.key", content[32:64], b"cathgate/spool/1\0pacs")
	return key


with Test() as t:
	if not steps.can_trace() or os.geteuid() != 0:
		raise Skip("only root may look into another process")
	gateway = t.gateway(1, spool.changes(t))
	modality = t.associate(gateway)
	for size in (100, 300000):
		before = set(spool.names(t))
		calls = trace(gateway, modality, make("explicit", size=size))
		name, = set(spool.names(t)) - before
		syncs = [call for call in calls if call[1] in ("fsync", "fdatasync")
			 and call != ("spooler", "fsync")]	# see 359
		assert syncs == [("association", "fsync"), ("auditor", "fdatasync")], calls
		link, sync = calls.index(("spooler", "linkat")), calls.index(("association", "fsync"))
		record = calls.index(("auditor", "fdatasync"))
		assert max(i for i, call in enumerate(calls) if call == ("association", "pwrite64")) \
			< link < sync < record, calls
		behind = [call for who, call in calls[record:] if who == "association"]
		assert behind[:2] == ["sendto", "write"], (behind, calls)	# spooler, modality

		association, = gateway.associations()
		secret = object_key(name)
		assert len(secret) == 32
		if not SANITIZED:	# whose memory can't be read in whole
			assert secret not in memory(association)
	files = [fd for fd in os.listdir(f"/proc/{association}/fd")
		 if "/spool/" in os.readlink(f"/proc/{association}/fd/{fd}")]
	assert files == [], files

	# in mid-object it has the descriptor, which can be written to alone
	obj = make("explicit", size=300000)
	modality.store_command(obj)
	modality.send_data(1, obj.data[:200000], last=False)
	def open_file():
		return [fd for fd in os.listdir(f"/proc/{association}/fd")
			if "/spool/" in os.readlink(f"/proc/{association}/fd/{fd}")]
	fd, = eventually(open_file)
	flags = int(re.search(r"flags:\s+(\d+)", open(f"/proc/{association}/fdinfo/{fd}").read())[1], 8)
	assert flags & os.O_ACCMODE == os.O_WRONLY, oct(flags)
	modality.send_data(1, obj.data[200000:])
	assert modality.receive().status == 0
	modality.release()
