"""A machine of the test's own, as far as files go: its own /etc, /run, /var/log and
/var/lib/systemd in a mount namespace, with the user `cathgate`. The paths are those of a real
installation, and nothing of the real machine is touched.

	small_disk.in_namespace()	# first
	with Test() as t:
		machine = Machine(t)	# bare; another one later takes its place
		machine.setup()
"""
import os
import pathlib
import shutil
import signal
import subprocess

import dicom
from harness import Skip, cathgate, cathgated, eventually
import small_disk
from small_disk import FOLDER

SITE = pathlib.Path("/etc/cathgate")
LOG = pathlib.Path("/var/log/cathgate/audit.jsonl")
UNITS = pathlib.Path("/etc/systemd/system")
OWN_UID = 50991	# of the user `cathgate`: no package gives that to another


def hidden(*more):
	"""What commands have left there that they hide while they work."""
	return [path for folder in ("/etc", "/run", "/var/log", LOG.parent, *more)
		for path in pathlib.Path(folder).iterdir() if path.name.startswith(".cathgate")]


def mount(*arguments):
	done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True)
	if done.returncode:
		raise Skip(f"mount: {done.stderr}")


class Machine:
	number = 0

	def __init__(self, t, uid=OWN_UID, size="64m"):
		"""With the package installed, and no more."""
		if os.geteuid() != 0:
			raise Skip("it is about what root does")
		self.t, self.uid = t, uid
		if not Machine.number:
			small_disk.mount("256m")
		Machine.number += 1
		plain = FOLDER / "plain-etc"
		if not plain.exists():
			shutil.copytree("/etc", plain, symlinks=True)
		own = FOLDER / f"machine-{Machine.number}"
		own.mkdir()
		mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", own)
		shutil.copytree(plain, own / "etc", symlinks=True)
		for name in ("run", "log"):
			(own / name).mkdir()
		# systemd-creds keeps no secret in memory.
		state = t.work / own.name
		state.mkdir()
		for place, to in ((own / "etc", "/etc"), (own / "run", "/run"),
				  (own / "log", "/var/log"), (state, "/var/lib/systemd")):
			mount("--bind", place, to)
		with open("/etc/passwd", "a") as users, open("/etc/group", "a") as groups:
			users.write(f"cathgate:x:{uid}:{uid}::/nonexistent:/usr/sbin/nologin\n")
			groups.write(f"cathgate:x:{uid}:\n")
		for path in (SITE, SITE / "tls"):
			path.mkdir(mode=0o750)
			os.chown(path, 0, uid)
		LOG.parent.mkdir(mode=0o750)
		os.chown(LOG.parent, uid, uid)
		UNITS.mkdir(parents=True, exist_ok=True)

	def run(self, *command, status=0, **more):
		"""What `cathgate COMMAND…` says."""
		more.setdefault("stdin", subprocess.DEVNULL)
		done = subprocess.run([cathgate(), *map(str, command)], capture_output=True,
				      text=True, timeout=dicom.PATIENCE, **more)
		said = done.stdout + done.stderr
		assert done.returncode == status, (command, done.returncode, said)
		return said

	def systemd(self, **service):
		"""A systemd that has these properties of the service, beside those that it has
		always: the environment of what shall ask it."""
		pathlib.Path("/run/systemd/system").mkdir(parents=True, exist_ok=True)
		properties = {"LoadState": "loaded", "ActiveState": "active", "User": "cathgate",
			      "TriggeredBy": "", **service}
		said = "".join(f"{name}={value}\\n" for name, value in properties.items())
		program = FOLDER / "bin/systemctl"
		program.parent.mkdir(exist_ok=True)
		program.write_text("#!/bin/sh\ncase \"$*\" in *cathgated.socket*) exit 0 ;; esac\n"
				   f"printf '{said}'\n")
		program.chmod(0o755)
		return {"PATH": f"{program.parent}:{os.environ['PATH']}"}

	def setup(self):
		self.run("setup", "--yes", "--name", "gw1", "--host", "gw.test", "--listen",
			 "127.0.0.1", "--pacs-host", "127.0.0.1", "--pacs-ae-title", "PACS",
			 "--pacs-ca", self.t.pki / "hospital-ca.crt", "--pacs-server-name", "pacs.test")
		self.configure('address = "127.0.0.1"; port = 2762;',
			       'address = "127.0.0.1"; port = 0;')

	def configure(self, old, new):
		config = SITE / "cathgate.conf"
		text = config.read_text()
		assert text.count(old) >= 1, old
		config.write_text(text.replace(old, new, 1))

	def start(self):
		"""A gateway as the service's user; it has begun its log."""
		program = FOLDER / "cathgated"
		if not program.exists():
			shutil.copy(cathgated(), program)
			program.chmod(0o755)
			FOLDER.chmod(0o755)
		before = self.starts()
		process = subprocess.Popen([program, "--foreground"], user=self.uid, group=self.uid,
					   extra_groups=[], stdin=subprocess.DEVNULL,
					   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
		eventually(lambda: self.starts() > before or process.poll() is not None)
		assert process.poll() is None, process.stderr.read()
		return process

	@staticmethod
	def starts():
		return LOG.read_text().count('"event":"start"') if LOG.exists() else 0

	@staticmethod
	def stop(process):
		process.send_signal(signal.SIGTERM)
		assert process.wait(dicom.PATIENCE) == 0, process.stderr.read()
		process.stderr.close()
