"""What the tests that run inside the machine share: the package, a configured service, a
PACS, modalities, and what systemd and the audit log say of it all."""
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

import config
import dicom
from chain import by_age
from dicom import XA_CONTEXT, Aborted, Association, Closed, Request
from objects import make

SOURCE = pathlib.Path("/src")
BUILD = SOURCE / "build/site"	# where the README says
PACKAGES = pathlib.Path("/root/packages")
PKI = pathlib.Path("/etc/cathgate/tls")
CONFIG = pathlib.Path("/etc/cathgate/cathgate.conf")
AUDIT = pathlib.Path("/var/log/cathgate/audit.jsonl")
PORT = 2762
PACS_FILES = pathlib.Path("/srv/pacs")
PACS_PORT = 11112
PATIENCE = 120	# seconds that only a hang reaches


def tell(*fault):
	"""What helps to understand a failure."""
	sys.__excepthook__(*fault)
	for command in (["journalctl", "--no-pager", "-b", "-n", "80", "-o", "short-precise"],
			["systemctl", "status", "--no-pager", "cathgated.service"],
			["tail", "-n", "5", AUDIT]):
		print("---", *command, flush=True)
		subprocess.run(command, stderr=subprocess.STDOUT)


sys.excepthook = tell


def step(text):
	print(f"- {text}", flush=True)


def do(*command, **more):
	"""Its output; it must succeed."""
	done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
			      text=True, **more)
	assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout[-3000:]}"
	return done.stdout


def journal(*what):
	"""With all that was written into it until now."""
	do("journalctl", "--sync")
	return do("journalctl", "--no-pager", *what)


def eventually(what, seconds=PATIENCE):
	deadline = time.monotonic() + seconds
	while time.monotonic() < deadline:
		if value := what():
			return value
		time.sleep(0.02)
	raise AssertionError("it did not happen in time")


def build(tests="OFF"):
	do("cmake", "--preset", "release", "-B", BUILD, f"-DBUILD_TESTING={tests}", cwd=SOURCE)
	do("cmake", "--build", BUILD)


def build_packages():
	"""The first, and one that is newer."""
	build()
	packages = []
	for release in ("1", "2"):
		do("cpack", "-G", "DEB", "-B", PACKAGES, "-D",
		   f"CPACK_DEBIAN_PACKAGE_RELEASE={release}", cwd=BUILD)
		packages += PACKAGES.glob(f"cathgate_*-{release}_*.deb")
	return packages


def install(package):
	return do("apt-get", "install", "-y", "-q", str(package),
		  env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def shown(unit, *names):
	"""Properties of a unit, in that order."""
	text = do("systemctl", "show", unit, *[f"--property={name}" for name in names])
	values = dict(line.split("=", 1) for line in text.splitlines())
	return values[names[0]] if len(names) == 1 else [values[name] for name in names]


def main_pid():
	return int(shown("cathgated.service", "MainPID"))


def is_serving():
	state, status = shown("cathgated.service", "ActiveState", "StatusText")
	return state == "active" and status.startswith("Serving")


def write_configuration(pacs_port, changes=None):
	settings = config.working("/var/log/cathgate", PKI, pacs_port)
	listen, out = settings["listen"][0], settings["destinations"][0]
	del listen["address"], listen["port"]
	listen["socket"] = "dicom-tls"
	out["host"] = "localhost"	# by name, so that the resolver's process works too
	for path, value in (changes or {}).items():
		config.change(settings, path, value)
	CONFIG.write_text(config.members(settings))


def make_pki():
	do("sh", SOURCE / "certs/make-test-pki.sh", PKI)
	do("chown", "-R", "cathgate:cathgate", PKI)
	do("chmod", "0750", PKI)


def audit(**wanted):
	lines = []
	for file in by_age(AUDIT.parent):
		lines += map(json.loads, file.read_text().split("\n")[:-1])
	return [line for line in lines
		if all(line.get(key) == value for key, value in wanted.items())]


def associate():
	association = Association(dicom.connect(PORT, dicom.client_context(PKI, "angio")))
	assert isinstance(association.request(contexts=[XA_CONTEXT]), Request)
	return association


def store():
	"""The status of one object, over an association of its own; None when none was to be
	had."""
	try:
		association = associate()
	except AssertionError:	# an A-ASSOCIATE-RJ
		return None
	status = association.store(make("explicit")).status
	association.release()
	return status


def write_pacs(tls):
	"""Units of two PACSs on one port: dcmqrscp, with TLS of its own (3.6.9), and storescp,
	for dcmqrscp loses objects that come at the same time. Returns the port."""
	PACS_FILES.mkdir(exist_ok=True)
	(PACS_FILES / "dcmqrscp.cfg").write_text(
		f"NetworkTCPPort = {PACS_PORT}\nMaxPDUSize = 131072\nMaxAssociations = 100\n"
		"HostTable BEGIN\nHostTable END\nVendorTable BEGIN\nVendorTable END\n"
		f"AETable BEGIN\nPACS {PACS_FILES} RW (500, 1024mb) ANY\nAETable END\n")
	secured = f"+tls {PKI}/pacs.key {PKI}/pacs.crt +cf {PKI}/hospital-ca.crt " if tls else ""
	for name, command in {
		"dcmqrscp": f"dcmqrscp +B --config {PACS_FILES}/dcmqrscp.cfg {secured}",
		"storescp": f"storescp {secured} +B +xa -pm -aet PACS -od {PACS_FILES} --fork "
			    f"{PACS_PORT}",
	}.items():
		pathlib.Path(f"/run/systemd/system/{name}.service").write_text(
			f"[Service]\nEnvironment=TCP_NODELAY=1\nExecStart={command}\n")
	do("systemctl", "daemon-reload")
	return PACS_PORT


def start_pacs(name):
	do("systemctl", "stop", "dcmqrscp.service", "storescp.service")
	do("systemctl", "start", f"{name}.service")


class Load:
	"""Modalities that send one object after another, each over an association of its own,
	and send again what was not taken, as real ones do."""

	def __init__(self, modalities=4):
		self.taken, self.again, self.refused, self.faults = [], 0, 0, []
		self.ends = threading.Event()
		self.threads = [threading.Thread(target=self.work, daemon=True)
				for _ in range(modalities)]

	def __enter__(self):
		for thread in self.threads:
			thread.start()
		self.wait_for(8)
		return self

	def __exit__(self, kind, *_):
		if kind is None:
			self.wait_for(8)
		self.ends.set()
		for thread in self.threads:
			thread.join(PATIENCE)
		if kind is None:
			assert not any(thread.is_alive() for thread in self.threads)
			assert not self.faults, self.faults

	def wait_for(self, more):
		goal = len(self.taken) + more
		eventually(lambda: len(self.taken) >= goal or self.faults)

	def work(self):
		try:
			while not self.ends.is_set():
				self.send(make("explicit", size=60000))
		except Exception as fault:
			self.faults.append(repr(fault))

	def send(self, obj):
		for _ in range(50):
			status = None
			try:
				association = associate()
				status = association.store(obj).status
				association.release()
			except ConnectionRefusedError:
				self.refused += 1
			except (Aborted, Closed, OSError, AssertionError):
				pass
			if status == 0:
				self.taken.append(obj.sop_instance)
				return
			assert status is None or 0xA700 <= status <= 0xA7FF, hex(status)
			self.again += 1
		raise AssertionError(f"{obj.sop_instance} was never taken")
