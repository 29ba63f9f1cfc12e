"""A gateway that `cathgate setup` makes, with the tool that changes it.

	site = Site(t, "etc", pacs_port=pacs.port)
	site.modality("add", "angio", "--ae-title", "ANGIO", "--pem", "--output", folder)
	site.start()
	Device(folder, "angio").associates(site)
"""
import json
import re
import ssl
import subprocess

import dicom
from dicom import ECHO_CONTEXT, PATIENCE, Association
from harness import Gateway, cathgate, cathgated


def run(*command):
	return subprocess.run([cathgate(), *map(str, command)], capture_output=True, text=True,
			      stdin=subprocess.DEVNULL, timeout=PATIENCE)


class Site(Gateway):
	def __init__(self, t, name, *options, pacs_port=104, host="gw.test,gateway.test"):
		self.folder = t.work / name
		self.config = self.folder / "cathgate.conf"
		self.tls = self.folder / "tls"
		log = t.work / f"{name}-log"
		self.audit_file = log / "audit.jsonl"
		self.log_file = t.work / f"{name}.log"
		self.process = None
		done = run("setup", "--directory", self.folder, "--log-directory", log,
			   "--host", host, "--listen", "127.0.0.1", "--pacs-host", "127.0.0.1",
			   "--pacs-port", pacs_port, "--pacs-ae-title", "PACS",
			   "--pacs-ca", t.pki / "hospital-ca.crt",
			   "--pacs-server-name", "pacs.test", *options)
		assert done.returncode == 0, done.stderr
		self.said = done.stdout
		# The system picks the port.
		self.edit('address = "127.0.0.1"; port = 2762;', 'address = "127.0.0.1"; port = 0;')
		t.gateways.append(self)

	def edit(self, old, new):
		text = self.config.read_text()
		assert old in text, f"{self.config} has no {old}"
		self.config.write_text(text.replace(old, new, 1))

	def modality(self, verb, *arguments, status=0):
		"""What it says; of a failure, the complaints."""
		done = run("modality", verb, *arguments, "--config", self.config)
		assert done.returncode == status, (verb, arguments, done.stdout, done.stderr)
		return done.stdout + done.stderr if status == 0 else done.stderr

	def listed(self):
		return {entry["name"]: entry
			for entry in json.loads(self.modality("list", "--json"))}

	def checked(self, status=0):
		"""What --check complains of."""
		done = subprocess.run([cathgated(), "--check", "--config", self.config],
				      capture_output=True, text=True)
		assert done.returncode == status, done.stdout + done.stderr
		return done.stderr

	def reload(self):
		"""Once it has read what the tool wrote."""
		before = len(self.audit(event="reload"))
		self.signal(1)
		line = self.wait_audit_beyond(before, event="reload")
		# That may have been one that the gateway began by itself, amid the changes.
		if "CRL" in line["detail"]:
			self.signal(1)
			self.wait_audit_beyond(before + 1, event="reload")
		return line

	def snapshot(self):
		return {path: path.read_bytes() for path in self.folder.rglob("*")
			if path.is_file() and path.name != ".lock"}


class Device:
	"""A modality that got that folder from `cathgate modality`, its key by --pem; or one
	that has a pair of its own, NAME.crt and NAME.key."""

	def __init__(self, folder, name, ae_title=None, pair=None):
		page = (folder / f"{name}.txt").read_text()
		self.folder, self.page = folder, page
		self.calling = ae_title or re.search(r"^  AE title \(calling\) +(\S+)", page, re.M)[1]
		self.called = re.search(r"^  AE title \(called\) +(\S+)", page, re.M)[1]
		self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
		self.context.load_verify_locations(folder / "ca.crt")
		pair = pair or folder / name
		self.context.load_cert_chain(f"{pair}.crt", f"{pair}.key")

	def associates(self, site):
		"""Whether the gateway lets it in, to a C-ECHO that the gateway itself answers. A
		gateway that the device distrusts is an SSLCertVerificationError."""
		association = Association(dicom.connect(site.port, self.context))
		try:
			answer = association.request(calling=self.calling, called=self.called,
						     contexts=[ECHO_CONTEXT])
		except (dicom.Closed, ssl.SSLError, ConnectionError):
			return False
		finally:
			association.close()
		return isinstance(answer, dicom.Request)
