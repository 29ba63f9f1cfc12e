"""What a Python test stands on: a folder of its own, a gateway, peers, and a clean end.

	with Test() as t:
		pacs = t.pacs()
		gateway = t.gateway(pacs)
		modality = t.associate(gateway)
		assert modality.store(make("explicit")).status == 0

On success one line; on failure how to run it again, then the logs. Each gateway that still
runs at the end is told to stop and must exit with 0, so sanitizers have their word.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings

import config
import dicom
import wait
from dicom import XA_CONTEXT, Association, Pacs

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = 77
# TLS 1.1 is spoken only to be refused
warnings.simplefilter("ignore", DeprecationWarning)


class Skip(Exception):
	"""This machine can't run the test; the text says why."""


def eventually(what, seconds=dicom.PATIENCE):
	"""The first true value of what(), which is asked again and again."""
	for _ in wait.tries(seconds):
		if value := what():
			return value
	raise AssertionError("it did not happen in time")


# How the log tells of a system call that a process's sandbox didn't let through.
DENIED = "sandbox: denied: "
COME_AND_GO = ("scribe", "observer", "forker")	# by themselves
NAMES = {"cathgated-assoc": "association", "cathgated-audit": "auditor", "cathgated-rings": "alerter",
	 "cathgated-keeps": "keeper",
	 "cathgated-forks": "forker", "cathgated-names": "resolver", "cathgated-dials": "dialler",
	 "cathgated-sends": "exporter", "cathgated-spool": "spooler",
	 "cathgated-opens": "spool-keeper", "cathgated-deliv": "courier",
	 "cathgated-shown": "observer", "cathgated-told": "scribe"}


def roles(pid):
	"""The role of each child by its PID. One that was just forked has no name yet: it is
	waited for."""
	def named():
		found = {}
		for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
			try:
				name, _, after_name = stat.read_text().rpartition(")")
			except OSError:
				continue
			state, parent = after_name.split()[:2]
			if int(parent) == pid:
				role = NAMES.get(name.partition("(")[2])
				if role is None and state != "Z":
					return None
				found[int(stat.parent.name)] = role
		return (found,)
	return eventually(named)[0]


def children(pid, but_for=COME_AND_GO):
	return sorted(child for child, role in roles(pid).items() if role not in but_for)


def child(pid, role):
	"""The one that has it and runs; None without any."""
	return next((child for child, its in roles(pid).items()
		     if its == role and is_alive(child)), None)


def stat(pid):
	"""The fields of proc(5)'s stat that follow the name: the state, the parent, ..."""
	return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def is_alive(pid):
	"""Whether it runs: a zombie doesn't."""
	try:
		return stat(pid)[0] != "Z"
	except OSError:
		return False


def association_processes(pid):
	return [child for child, role in roles(pid).items()
		if role == "association" and is_alive(child)]


def descriptors(pid):
	try:
		return len(os.listdir(f"/proc/{pid}/fd"))
	except PermissionError:
		raise Skip("only root may look into an undumpable process") from None


def sockets(pid):
	"""How many it holds."""
	descriptors(pid)	# skips the test where nobody may look
	links = []
	for entry in os.scandir(f"/proc/{pid}/fd"):
		try:
			links.append(os.readlink(entry))
		except FileNotFoundError:
			pass	# closed meanwhile
	return sum(link.startswith("socket:") for link in links)


class Gateway:
	is_attacked = False	# the test makes its processes do what they may not

	def __init__(self, test, number, text):
		self.folder = test.work / f"gateway-{number}"
		self.folder.mkdir()
		self.config = self.folder / "cathgate.conf"
		self.config.write_text(text)
		self.audit_file = self.folder / "audit.jsonl"
		self.log_file = self.folder / "log"
		self.process = None

	def start(self, sockets=(), environment=None):
		"""`sockets` are passed as systemd does: pairs of a name and a listening
		socket. With an environment, even an empty one, the lines that it notifies
		later are in self.notified."""
		path = str(self.folder / "notify")
		pathlib.Path(path).unlink(missing_ok=True)
		notify = wait.notify_socket(path)
		earlier = len(self.log()) if self.log_file.exists() else 0
		with open(self.log_file, "ab") as log:
			self.process = subprocess.Popen(
				[*passing(sockets), cathgated(),
				 "--config", self.config, "--foreground"],
				stdin=subprocess.DEVNULL, stdout=log, stderr=log,
				pass_fds=[s.fileno() for _, s in sockets],
				env={**os.environ, "NOTIFY_SOCKET": path,
				     **(environment or {})})
		ready = wait.wait_ready(notify, self.process.pid)
		self.notified, self.heard = [], 0
		if environment is None:
			notify.close()
			os.unlink(path)
		else:	# At once, as systemd does: the gateway waits while the socket is full.
			threading.Thread(target=self.read_notices, args=[notify, self.notified],
					 daemon=True).start()
		assert ready, "the gateway did not become ready"
		self.ports = [int(port) for port in
			      re.findall(r"listening on \S+ port (\d+)", self.log()[earlier:])]
		assert self.ports, "its log doesn't say where it listens"
		return self

	@staticmethod
	def read_notices(notify, lines):
		while True:
			lines.extend(notify.recv(4096).decode().split("\n"))

	def hears(self, *texts):
		"""Waits until it has notified each, in that order, since the last time."""
		def heard_all():
			end = len(self.notified)
			lines = iter(self.notified[self.heard:end])
			return end if all(any(text in line for line in lines) for text in texts) else 0
		self.heard = eventually(heard_all)

	@property
	def pid(self):
		return self.process.pid

	@property
	def port(self):
		return self.ports[0]

	def associations(self):
		return association_processes(self.pid)

	def helper(self, role):
		"""The PID of the process that has it, once there is one."""
		return eventually(lambda: child(self.pid, role))

	def answers(self):
		"""Once its observer listens, as just after a start it doesn't."""
		eventually(lambda: subprocess.run(
			[cathgate(), "status", "--json", "--config", self.config],
			capture_output=True, stdin=subprocess.DEVNULL).returncode == 0)

	def replace(self, role):
		"""Kills the process that has the role, and returns its successor's PID."""
		old = self.helper(role)
		os.kill(old, signal.SIGKILL)
		return eventually(lambda: (new := child(self.pid, role)) != old and new)

	def reconfigure(self, changes):
		"""Writes a configuration with these changes, whatever the last one had."""
		self.config.write_text(self.render(changes))

	def reload(self, changes=None, outcome="done"):
		"""As systemctl reload does. The details of its lines in the audit log."""
		before = len(self.audit(event="reload"))
		if changes is not None:
			self.reconfigure(changes)
		self.signal(signal.SIGHUP)
		def told():
			lines = self.audit(event="reload")[before:]
			return lines if lines and not lines[-1]["detail"].endswith("; …") else None
		lines = eventually(told)
		assert {line["outcome"] for line in lines} == {outcome}, lines
		return "; ".join(line["detail"].removesuffix("; …") for line in lines)

	def wait_log(self, text, seconds=dicom.PATIENCE):
		eventually(lambda: text in self.log(), seconds)

	def log(self):
		return self.log_file.read_text(errors="replace")

	def audit(self, **wanted):
		"""The audit's whole lines that have all of these members, in order."""
		if not self.audit_file.exists():
			return []
		lines = self.audit_file.read_text().split("\n")[:-1]
		return [line for line in map(json.loads, lines)
			if all(line.get(key) == value for key, value in wanted.items())]

	def wait_audit(self, **wanted):
		try:
			return eventually(lambda: self.audit(**wanted))[0]
		except AssertionError:
			raise AssertionError(f"no audit line with {wanted}") from None

	def wait_audit_beyond(self, count, **wanted):
		"""The last of such lines, when there are more than `count`."""
		return eventually(lambda: self.audit(**wanted)[count:])[-1]

	def signal(self, number=signal.SIGTERM):
		self.process.send_signal(number)

	def stop(self):
		"""Its exit status."""
		self.signal()
		return self.process.wait(dicom.PATIENCE)


def cathgated():
	path = os.environ.get("CATHGATED", ROOT / "build/dev/src/cathgated")
	if not os.access(path, os.X_OK):
		sys.exit(f"no cathgated at {path}: build it, or set CATHGATED")
	return str(path)


def cathgate():
	"""The tool: beside the daemon, unless CATHGATE says otherwise."""
	return os.environ.get("CATHGATE") or str(
		pathlib.Path(cathgated()).parent / "cli/cathgate")


def tool(*arguments, status=0, environment=None):
	"""What `cathgate ARGUMENTS…` prints, as bytes; it must end with that status."""
	done = subprocess.run([cathgate(), *map(str, arguments)], capture_output=True,
			      stdin=subprocess.DEVNULL, timeout=dicom.PATIENCE,
			      env={**os.environ, **(environment or {})})
	assert done.returncode == status, (
		f"cathgate {arguments} ended with {done.returncode}, not {status}:\n"
		f"{done.stdout.decode(errors='replace')}{done.stderr.decode(errors='replace')}")
	return done.stdout


def passing(sockets):
	"""What comes before a command that shall find these sockets from 3 on."""
	if not sockets:
		return []
	names = ":".join(name for name, _ in sockets)
	moves = " ".join(f"{i}<&{s.fileno()}" for i, (_, s) in enumerate(sockets, 3))
	return ["bash", "-c", f"LISTEN_PID=$$ LISTEN_FDS={len(sockets)} "
		f"LISTEN_FDNAMES={names} exec \"$0\" \"$@\" {moves}"]


class Test:
	def __init__(self):
		cathgated()	# or it ends here, before anything is made
		self.script = pathlib.Path(sys.argv[0]).resolve()
		self.name = self.script.stem
		self.gateways = []
		self.peers = []

	def __enter__(self):
		self.began = time.monotonic()
		self.work = pathlib.Path(tempfile.mkdtemp(prefix=f"cathgate-{self.name[:20]}-"))
		self.pki = pathlib.Path(os.environ.get("CATHGATE_TEST_PKI", self.work / "pki"))
		if not self.pki.exists():
			subprocess.run(["sh", ROOT / "certs/make-test-pki.sh", self.pki],
				       check=True)
		return self

	def __exit__(self, kind, fault, trace):
		try:
			if kind is None:
				self.end_well()
		except Exception as late:
			kind, fault, trace = type(late), late, late.__traceback__
		for gateway in self.gateways:
			if gateway.process and gateway.process.poll() is None:
				gateway.process.kill()
				gateway.process.wait()
		status = 0
		if kind is Skip:
			print(f"skipped {self.name}: {fault}")
			status = SKIPPED
		elif kind is not None:
			self.tell(kind, fault, trace)
			status = 1
		else:
			print(f"ok {self.name} ({time.monotonic() - self.began:.1f} s)")
		shutil.rmtree(self.work, ignore_errors=True)
		sys.stdout.flush()
		os._exit(status)	# peers' threads may still wait for somebody

	def end_well(self):
		for peer in self.peers:
			if peer.faults:
				raise peer.faults[0]
		for gateway in (g for g in self.gateways if g.process):
			if gateway.process.returncode is None:
				status = gateway.stop()
				assert status == 0, f"the gateway ended with {status}"
			assert "Sanitizer" not in gateway.log(), "a sanitizer complained"
			# tests say so that make its processes do what they may not
			if not getattr(gateway, "is_attacked", False):
				assert DENIED not in gateway.log(), "a process lacks a system call"
				bugs = [line for line in gateway.log().splitlines() if ": bug: " in line]
				assert not bugs, bugs	# it says so itself

	def tell(self, kind, fault, trace):
		print(f"FAILED {self.name}; again:")
		print(f"  PYTHONPATH=tests/lib CATHGATED={cathgated()} "
		      f"python3 {os.path.relpath(self.script, ROOT)}")
		traceback.print_exception(kind, fault, trace, file=sys.stdout)
		for gateway in self.gateways:
			if not gateway.process:
				continue
			print(f"--- the log of {gateway.folder.name}")
			print("".join(gateway.log().splitlines(True)[-60:]))
			print("--- the tail of its audit log")
			for line in gateway.audit()[-8:]:
				print(json.dumps(line))

	def pacs(self, script=None, certificate="pacs", ca="hospital-ca", tls=True, **more):
		context = dicom.server_context(self.pki, certificate, ca) if tls else None
		pacs = Pacs(context, script, **more)
		self.peers.append(pacs)
		return pacs

	def configured(self, pacs=None, changes=None):
		"""A gateway that is not started."""
		number = len(self.gateways) + 1
		port = pacs if isinstance(pacs, int) else pacs.port if pacs else 1
		def render(changed):
			return config.render(self.work / f"gateway-{number}", self.pki, port,
					     changed)
		self.gateways.append(Gateway(self, number, render(changes or {})))
		self.gateways[-1].render = render
		return self.gateways[-1]

	def gateway(self, pacs=None, changes=None):
		return self.configured(pacs, changes).start()

	def connect(self, gateway, certificate="angio", context=None, **more):
		"""TLS, but no association yet."""
		context = context or dicom.client_context(self.pki, certificate)
		return Association(dicom.connect(gateway.port, context, **more))

	def is_refused(self, gateway, certificate=None, context=None):
		"""Whether the gateway ends it without an answer to an A-ASSOCIATE-RQ. In TLS
		1.3 a client hears only at its first read that it is not welcome."""
		try:
			context = context or dicom.client_context(self.pki, certificate)
			association = self.connect(gateway, context=context)
			association.send(dicom.associate_rq(contexts=[XA_CONTEXT]))
			association.read(1)
		except (OSError, dicom.Closed):
			return True
		association.close()
		return False

	def associate(self, gateway, certificate="angio", **request):
		request.setdefault("contexts", [XA_CONTEXT])
		association = self.connect(gateway, certificate)
		answer = association.request(**request)
		assert isinstance(answer, dicom.Request), answer
		return association
