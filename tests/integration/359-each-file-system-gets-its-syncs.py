"""Goal: for each object that is acknowledged its file is synced behind its name, once; on a file
system of which nobody has shown that this saves the name, the folder is synced as well, also
for an object whose association ends before its own sync. An object comes through on each."""
import re
import subprocess

import disk_image
import spool
import steps
from dicom import PATIENCE, Aborted, Closed
from disk_image import PLACE, Disk
from harness import Skip, Test, child
from objects import make

disk_image.in_namespace()

SPOOL, CALLS = PLACE / "spool", "linkat,fsetxattr,fsync,fdatasync"


def mounted(*how):
	subprocess.run(["mount", *how, PLACE], check=True)


def tmpfs():
	mounted("-t", "tmpfs", "tmpfs")


def overlay():
	for name in ("lower", "upper", "work"):
		(PLACE.parent / name).mkdir()
	mounted("-t", "overlay", "overlay", "-o",
		"lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work".format(PLACE.parent))


def ext4():
	Disk("ext4", ["mkfs.ext4", "-q"], 64).mount()


def ext2():
	Disk("ext2", ["mkfs.ext2", "-q"], 64).mount()


def syncs(log, names):
	"""Who synced what behind the object's name, in order."""
	calls = re.findall(r"^(\d+) +f\w*sync\(\d+<([^>]*)>", log.read_text().partition("linkat")[2], re.M)
	return [(names[int(pid)], "folder" if path == str(SPOOL) else "file") for pid, path in calls]


def is_marked():
	"""Whether the name's transaction is one that fast commits can't hold (spool_folder.c)."""
	return bool(re.search(r"linkat\(.*\n.*fsetxattr\(.* = 0\n.*fsync\(", (t.work / "calls").read_text()))


def store(gateway, modality, *inject):
	"""An object that is acknowledged, and comes through."""
	names = {gateway.associations()[0]: "association", child(gateway.pid, "spooler"): "spooler"}
	(first, other), log, obj = names, t.work / "calls", make("explicit", size=70000)
	with steps.traced(first, CALLS, log, "-p", str(other), "-y", *inject):
		assert modality.store(obj).status == 0
		assert pacs.stored.get(timeout=PATIENCE).data == obj.data
	return syncs(log, names)


def store_and_die(gateway, modality):
	"""An object whose association ends when it would sync, and that comes through."""
	spooler, log, obj = child(gateway.pid, "spooler"), t.work / "calls", make("explicit", size=70000)
	with steps.traced(gateway.associations()[0], "fsync", t.work / "death", "-e", "inject=fsync:signal=KILL"), \
	     steps.traced(spooler, CALLS, log, "-y"):
		try:
			modality.store(obj)
			raise AssertionError("it lives")
		except (Aborted, Closed, OSError):
			assert pacs.stored.get(timeout=PATIENCE).data == obj.data
	return syncs(log, {spooler: "spooler"})


def run(mount, saves_name, *inject):
	mount()
	gateway = t.gateway(pacs, spool.changes(t, directory=str(SPOOL)))
	gateway.is_attacked = bool(inject)	# by a call that the sandbox doesn't know
	folder = [] if saves_name else [("spooler", "folder")]
	modality = t.associate(gateway)
	got = store(gateway, modality, *inject)
	assert is_marked() == (mount in (ext4, ext2) and saves_name), mount.__name__
	assert got == [("association", "file"), *folder], (mount.__name__, got)
	got = store_and_die(gateway, modality)
	assert got == [("spooler", "file"), *folder], (mount.__name__, got)
	assert gateway.stop() == 0
	subprocess.run(["umount", PLACE], check=True)


with Test() as t:
	if not steps.can_trace():
		raise Skip("this machine lets nobody trace")
	pacs = t.pacs()
	for mount in (tmpfs, ext4, ext2):
		run(mount, True)
	run(overlay, False)
	# which can't mark the file (spool_folder.c)
	run(ext4, False, "-e", "inject=fsetxattr:error=EOPNOTSUPP")
