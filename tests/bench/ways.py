"""The PACS, and the ways to it: straight, stunnel pair, Orthanc, Cathgate.

All ways lead to the same storescp, which writes what comes, byte for byte, to memory. Each
way terminates mutual TLS towards the modality and speaks mutual TLS to the PACS.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import urllib.request

import config
import harness
import measure
import wait

PATIENCE = 60	# seconds, for what must not take long
MAX_PDU = "131072"
# The one that Cathgate prefers, for all: crypto isn't what is compared.
CIPHER = "TLS_AES_128_GCM_SHA256"


def eventually(what, seconds=PATIENCE, every=0.01):
	deadline = time.monotonic() + seconds
	while not what():
		if time.monotonic() > deadline:
			raise RuntimeError("it did not happen in time")
		time.sleep(every)


class Server:
	"""Processes that stay from run to run, so that their start isn't measured."""

	name = None
	certificate, calling, called = "angio", "CATHLAB3", "CATHGATE"	# to reach it

	def __init__(self, work, pki):
		self.work = work / self.name
		self.work.mkdir()
		self.pki = pki
		self.processes = []
		self.port = None

	def spawn(self, command, env=None):
		with open(self.work / "log", "ab") as log:
			process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
						   stderr=log, env={**os.environ, **(env or {})})
		self.processes.append(process)
		return process

	def listen(self, command_for, env=None):
		"""Starts command_for(port) on a port that is free, and returns the port."""
		for _ in range(5):
			port, = wait.free_ports(1)
			process = self.spawn(command_for(port), env)
			if wait.wait_listening(process.pid, port):
				return port
			process.kill()
			process.wait()
			self.processes.remove(process)
		raise RuntimeError(f"{self.name} did not start to listen: {self.log_tail()}")

	def log_tail(self):
		return "\n".join((self.work / "log").read_text(errors="replace")
				 .splitlines()[-10:])

	@property
	def pids(self):
		return [process.pid for process in self.processes]

	def begin(self):
		self.idle = measure.running(self.pids)

	def settle(self):
		"""Until it rests: what it did for the last run is all done and counted."""
		eventually(lambda: measure.running(self.pids) <= self.idle)

	def stop(self):
		for process in self.processes:
			process.terminate()
		for process in self.processes:
			try:
				process.wait(PATIENCE)
			except subprocess.TimeoutExpired:
				process.kill()
				process.wait()
		self.processes = []


class Pacs(Server):
	name = "pacs"

	def __init__(self, work, pki, environment, keep=True):
		super().__init__(work, pki)
		self.files = self.work / "files"
		self.files.mkdir()
		self.keep = keep
		self.port = self.listen(self.command, environment)

	def command(self, port):
		return ["storescp", "--fork", "+B", "+xa", "-pm", "-dhl", "-aet", "PACS",
			"--max-pdu", MAX_PDU, "+tls", f"{self.pki}/pacs.key",
			f"{self.pki}/pacs.crt", "+cf", f"{self.pki}/hospital-ca.crt",
			"-od", str(self.files), *([] if self.keep else ["--ignore"]), str(port)]

	def count(self):
		return len(os.listdir(self.files))

	def size(self):
		return sum(entry.stat().st_size for entry in os.scandir(self.files))

	def empty(self):
		for entry in os.scandir(self.files):
			os.unlink(entry.path)


class Direct(Server):
	name = "direct"
	certificate, called = "gateway-client", "PACS"

	def __init__(self, work, pki, pacs, _audit_folder):
		super().__init__(work, pki)
		self.port = pacs.port


class Stunnels(Server):
	"""TLS out, TLS in again; no DICOM, no hash, no log."""

	name = "stunnels"

	def __init__(self, work, pki, pacs, _audit_folder):
		super().__init__(work, pki)
		second = self.listen(lambda port: self.command(
			"second", port, pacs.port, "gateway-client", "hospital-ca", True))
		self.port = self.listen(lambda port: self.command(
			"first", port, second, "gateway", "modalities-ca", False))

	def command(self, which, port, to, certificate, ca, client):
		path = self.work / f"{which}.conf"
		path.write_text(
			"foreground = yes\npid =\ndebug = err\n"
			"socket = l:TCP_NODELAY=1\nsocket = r:TCP_NODELAY=1\n"
			f"[{which}]\n"
			f"client = {'yes' if client else 'no'}\n"
			f"accept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{to}\n"
			f"cert = {self.pki}/{certificate}.crt\n"
			f"key = {self.pki}/{certificate}.key\n"
			f"CAfile = {self.pki}/{ca}.crt\nverifyChain = yes\n"
			+ ("" if client else "requireCert = yes\n") +
			f"sslVersionMin = TLSv1.2\nciphersuites = {CIPHER}\n")
		return ["stunnel", str(path)]


class Orthanc(Server):
	"""Receives, stores (in memory, not synced), forwards by itself and deletes."""

	name = "orthanc"
	program = shutil.which("Orthanc", path=os.environ["PATH"] + ":/usr/sbin")

	def __init__(self, work, pki, pacs, _audit_folder):
		super().__init__(work, pki)
		self.make_certificate()
		(self.work / "forward.lua").write_text(
			"function OnStoredInstance(id, tags, metadata, origin)\n"
			"	Delete(SendToModality(id, 'pacs'))\nend\n")
		self.http, = wait.free_ports(1)
		self.port = self.listen(lambda port: self.command(port, pacs.port),
					{"TCP_NODELAY": "1"})

	def make_certificate(self):
		"""Orthanc shows one certificate to both sides: it must be good for both."""
		(self.work / "both.cnf").write_text(
			"basicConstraints=critical,CA:false\n"
			"extendedKeyUsage=serverAuth,clientAuth\n"
			"subjectAltName=DNS:gateway.test\n")
		for command in (
			["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
			 "-nodes", "-keyout", "both.key", "-subj", "/CN=both", "-out", "both.csr"],
			["x509", "-req", "-in", "both.csr", "-CA", f"{self.pki}/hospital-ca.crt",
			 "-CAkey", f"{self.pki}/hospital-ca.key", "-CAcreateserial", "-CAserial",
			 "both.srl", "-days", "30", "-extfile", "both.cnf", "-out", "both.crt"],
		):
			subprocess.run(["openssl", *command], cwd=self.work, check=True,
				       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
		(self.work / "ca.crt").write_text(
			(self.pki / "hospital-ca.crt").read_text()
			+ (self.pki / "modalities-ca.crt").read_text())

	def command(self, port, to):
		path = self.work / "orthanc.json"
		path.write_text(json.dumps({
			"Name": "bench", "StorageDirectory": str(self.work / "storage"),
			"IndexDirectory": str(self.work / "storage"), "Plugins": [],
			"SyncStorageArea": False, "SaveJobs": False,
			"OverwriteInstances": True,
			"LuaScripts": [str(self.work / "forward.lua")],
			"HttpServerEnabled": True, "HttpPort": self.http,
			"AuthenticationEnabled": False, "RemoteAccessAllowed": False,
			"DicomAet": "CATHGATE", "DicomPort": port, "DicomTlsEnabled": True,
			"DicomTlsCertificate": str(self.work / "both.crt"),
			"DicomTlsPrivateKey": str(self.work / "both.key"),
			"DicomTlsTrustedCertificates": str(self.work / "ca.crt"),
			"DicomTlsRemoteCertificateRequired": True,
			"DicomAlwaysAllowStore": True, "DicomCheckModalityHost": False,
			"UnknownSopClassAccepted": True, "MaximumPduLength": int(MAX_PDU),
			"DicomModalities": {"pacs": {"AET": "PACS", "Host": "127.0.0.1",
						     "Port": to, "UseDicomTls": True}},
		}))
		return [self.program, str(path)]

	def holds(self):
		with urllib.request.urlopen(
				f"http://127.0.0.1:{self.http}/statistics") as answer:
			return json.load(answer)["CountInstances"]

	def settle(self):
		eventually(lambda: self.holds() == 0, seconds=600, every=0.2)


class Cathgate(Server):
	name = "cathgate"
	program = None	# else $CATHGATED

	def __init__(self, work, pki, pacs, audit_folder):
		super().__init__(work, pki)
		# Not beside the rest, which lies in memory: what it writes must be durable.
		self.audit_folder = audit_folder
		self.pacs_port = pacs.port
		self.start()

	def changes(self):
		return {"limits.response_seconds": 600}

	def configure(self, changes):
		(self.work / "cathgate.conf").write_text(config.render(
			self.audit_folder, self.pki, self.pacs_port, {**self.changes(), **changes}))

	def start(self, changes=None):
		if changes is not False:
			self.configure(changes or {})
		notify_path = str(self.work / "notify")
		notify = wait.notify_socket(notify_path)
		process = self.spawn(
			[self.program or os.environ["CATHGATED"], "--config",
			 str(self.work / "cathgate.conf"), "--foreground"],
			{"NOTIFY_SOCKET": notify_path, **self.environment()})
		ready = wait.wait_ready(notify, process.pid)
		notify.close()
		if not ready:
			raise RuntimeError(f"cathgated did not become ready: {self.log_tail()}")
		log = (self.work / "log").read_text()
		self.port = int(re.findall(r"listening on \S+ port (\d+)", log)[-1])
		self.begin()
		self.pid = process.pid

	def restart(self):
		"""With the configuration as it stands in its file."""
		self.stop()
		os.unlink(self.work / "notify")
		self.start(False)

	def reconfigure(self, changes, tell=True):
		self.configure(changes)
		if not tell:
			return
		log = self.work / "log"
		before = log.read_text().count("reloaded in")
		os.kill(self.pid, signal.SIGHUP)
		eventually(lambda: log.read_text().count("reloaded in") > before)

	def environment(self):
		return {}

	def associations(self):
		return harness.association_processes(self.pid)

	def audited(self):
		"""The instances forwarded, by their hash, since this was asked last."""
		path = self.audit_folder / "audit.jsonl"
		lines = [json.loads(line) for line in path.read_text().splitlines()]
		fresh, self.lines_seen = lines[getattr(self, "lines_seen", 0):], len(lines)
		return sorted(line["sha256"] for line in fresh
			      if line["event"] == "instance" and line["outcome"] == "forwarded")


class Unsynced(Cathgate):
	"""Cathgate with its syncs left out, which is unsafe: to see what they cost."""

	name = "unsynced"

	def environment(self):
		library = self.work / "unsynced.so"
		subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-o", library,
				pathlib.Path(__file__).with_name("unsynced.c")], check=True)
		return {"LD_PRELOAD": str(library)}


class Waiting(Unsynced):
	"""The same, but it waits where it would sync, for about as long as a sync takes."""

	name = "waiting"

	def environment(self):
		return {**super().environment(), "UNSYNCED_PAUSE_US": "150"}


def available():
	return [way for way in (Direct, Stunnels, Orthanc, Cathgate, Unsynced, Waiting)
		if way is not Orthanc or Orthanc.program]


def usual():
	return [way for way in available() if not issubclass(way, Unsynced)]
