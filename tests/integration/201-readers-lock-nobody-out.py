"""Goal: who may read the audit log, the messages or the configuration can't lock those out
who write them; a second writer is refused all the same, also after the log was moved."""
import json
import os
import subprocess

from dicom import PATIENCE
from harness import SKIPPED, Test, cathgate, cathgated, eventually, tool
from objects import make

NOBODY = 65534

# Locks every file and folder that it can open, and says which; waits where it must.
READER = """
import fcntl, json, os, pathlib, sys, threading
def lock(path):
	fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
	try:
		fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
	except BlockingIOError:
		threading.Thread(target=fcntl.flock, args=(fd, fcntl.LOCK_EX)).start()
locked = []
for root in sys.argv[1:]:
	for path in [pathlib.Path(root), *pathlib.Path(root).rglob("*")]:
		try:
			lock(path)
			locked.append(path.name)
		except OSError:
			pass
print(json.dumps(locked), flush=True)
sys.stdin.read()
os._exit(0)
"""

if os.geteuid() != 0:
	print("skipped: it takes a second user")
	raise SystemExit(SKIPPED)


def readable(*folders):
	"""As a group may read them, and no file that is for its owner alone."""
	for folder in folders:
		for path in (folder, *folder.rglob("*")):
			if path.is_dir() and path.name != "ca":
				path.chmod(0o755)
			elif path.stat().st_mode & 0o040:
				path.chmod(0o644)


def reader(*folders):
	readable(*folders)
	process = subprocess.Popen(["python3", "-c", READER, *map(str, folders)], text=True,
				   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
				   user=NOBODY, group=NOBODY, extra_groups=[])
	locked = json.loads(process.stdout.readline())
	assert {folder.name for folder in folders} <= set(locked), locked
	assert {"audit.jsonl", "cathgate.conf"} & set(locked), locked
	assert not [name for name in locked if name.endswith("lock")], locked
	return process


def leave(process):
	process.stdin.close()
	process.wait()


def let_in(gateway):
	try:
		return t.associate(gateway)
	except OSError:	# the new auditor is not ready yet
		return None


def store(gateway):
	modality = eventually(lambda: let_in(gateway))
	assert modality.store(make("explicit")).status == 0
	modality.release()


def auditors_go_on(gateway, messages):
	store(gateway)
	waiting = reader(gateway.folder, messages)
	gateway.replace("auditor")
	store(gateway)
	assert gateway.stop() == 0
	leave(waiting)
	there_first = reader(gateway.folder, messages)
	gateway.start()
	store(gateway)
	assert gateway.stop() == 0
	leave(there_first)
	assert "has it locked" not in gateway.log(), "the exporter was locked out"
	tool("audit", "verify", "--key", t.pki / "audit.key.pub", gateway.audit_file)
	for lock in (gateway.folder / "audit.lock", messages / "cathgate.lock"):
		assert lock.stat().st_mode & 0o777 == 0o600 and lock.stat().st_size == 0, lock


def modalities_are_revoked():
	folder = t.work / "site"

	def modality(*arguments):
		done = subprocess.run(
			[cathgate(), *arguments, "--config", folder / "cathgate.conf"],
			cwd=t.work, capture_output=True, text=True)
		assert done.returncode == 0, done
	tool("setup", "--directory", folder, "--log-directory", t.work / "log", "--user", "root",
	     "--host", "gw.test", "--listen", "127.0.0.1", "--pacs-host", "127.0.0.1",
	     "--pacs-ae-title", "PACS", "--pacs-ca", t.pki / "hospital-ca.crt")
	modality("modality", "add", "lost", "--ae-title", "LOST")
	held = reader(folder)
	modality("modality", "revoke", "lost")
	modality("certificate", "renew")
	leave(held)
	assert (folder / ".lock").stat().st_mode & 0o777 == 0o600


def is_refused(path):
	second = t.configured(1, {"audit.file": str(path)})
	done = subprocess.run([cathgated(), "--config", second.config, "--foreground"],
			      timeout=PATIENCE, stderr=subprocess.PIPE, text=True)
	assert done.returncode != 0, done
	return done.stderr


def a_second_writer_is_refused(gateway):
	"""Whatever was moved: the log, or all that stands beside it."""
	gateway.start()
	store(gateway)
	gateway.audit_file.rename(gateway.folder / "moved.jsonl")
	assert "has the audit log locked" in is_refused(gateway.audit_file)
	store(gateway)
	aside = t.work / "aside"
	aside.mkdir()
	for path in gateway.folder.glob("audit*"):
		path.rename(aside / path.name)
	store(gateway)
	assert (gateway.folder / "audit.lock").exists()
	assert "has the audit log locked" in is_refused(gateway.audit_file)
	store(gateway)
	assert gateway.stop() == 0


def locks_are_opened_with_care(gateway):
	"""Nothing is made or waited for in another place."""
	lock = gateway.folder / "audit.lock"
	for trap in (lambda: lock.symlink_to(t.work / "elsewhere"), lambda: os.mkfifo(lock, 0o600),
		     lambda: os.link(gateway.config, lock), lock.mkdir):
		lock.unlink()
		trap()
		assert f"{lock}" in is_refused(gateway.audit_file)
		assert not (t.work / "elsewhere").exists()
		if lock.is_dir():
			lock.rmdir()
			lock.touch()
	# Root's own test run leaves no lock that the service's user could not open.
	lock.unlink()
	os.chown(gateway.folder, NOBODY, NOBODY)
	gateway.start()
	assert gateway.stop() == 0
	assert lock.stat().st_uid == NOBODY


with Test() as t:
	os.chmod(t.work, 0o755)
	at = t.work / "messages"
	first = t.gateway(t.pacs(), {"audit.messages": str(at)})
	eventually((at / "cathgate.lock").exists)
	auditors_go_on(first, at)
	modalities_are_revoked()
	a_second_writer_is_refused(first)
	locks_are_opened_with_care(first)
