"""DICOM audit messages in tests: made from lines of an audit log, taken apart, and carried
from one rsyslog to another by the configuration that Cathgate brings along."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import xml.etree.ElementTree as ElementTree

import wait
from harness import ROOT, Skip, eventually

SCHEMA = ROOT / "tests/schema/audit-message.rng"
SYSLOG = re.compile(rb"<(84|85)>1 (\S+Z) (\S+) cathgated (\S+) IHE\+RFC-3881 - (<\?xml .*)")
# What a log's checkpoint, association and instance lines say beside their event.
PARTIES = {
	"association": "00112233445566aa", "peer": "192.0.2.7:40123", "certificate": "c0ffee",
	"subject": "CN=angio", "tls": {"version": "TLSv1.3"}, "modality": "angio",
	"calling_ae": "CATHLAB3", "called_ae": "CATHGATE", "destination": "pacs",
}
OBJECT = {
	"sop_class": "1.2.840.10008.5.1.4.1.1.12.1", "sop_instance": "1.2.3", "study": "1.2.4",
	"patient": "5e884898da28047151d0e56f8dc62927", "total_ms": 250,
}


def line(seq, event, **members):
	return {"seq": seq, "time": f"2026-01-31T12:{seq // 60000 % 60:02}:{seq // 1000 % 60:02}."
		f"{seq % 1000000:06}Z", "node": "test", "event": event, **members,
		"hash": f"{seq:064x}"}


def export(directory, lines, at_once=100):
	"""Gives lines to what the exporter makes messages with; they follow on earlier ones."""
	text = "".join(json.dumps(line) + "\n" for line in lines)
	subprocess.run([os.environ.get("EXPORT_LINES", ROOT / "build/dev/tests/integration/"
				       "export_lines"), directory, str(at_once)],
		       input=text.encode(), check=True)


def written_in(path):
	"""All messages of a file, as bytes; without the line that it begins with."""
	return [line for line in path.read_bytes().splitlines() if not line.startswith(b"#")]


def written(directory):
	"""All messages in the files' order."""
	return [message for path in sorted(pathlib.Path(directory).glob("cathgate-*.log"))
		for message in written_in(path)]


def marks(messages):
	"""Of each message, which line of the log it follows from, and which of its own it is."""
	return [re.search(rb'<\?cathgate line="(\d+)" part="(\d+)" hash="([0-9a-f]+)"',
			  message).groups() for message in messages]


def marks_of(lines, folder):
	"""Of the messages that these lines of a log make when nothing comes between."""
	shutil.rmtree(folder, ignore_errors=True)
	export(folder, lines)
	return marks(written(folder))


def xml_of(message):
	"""The XML of a message, whose syslog header must be right."""
	match = SYSLOG.fullmatch(message)
	assert match, message
	assert len(message) <= 32768, len(message)
	message.decode("utf-8")
	return match[5]


def kind(message):
	"""Its event, type (or None), action and outcome."""
	event = ElementTree.fromstring(xml_of(message)).find("EventIdentification")
	type_code = event.find("EventTypeCode")
	return (event.find("EventID").get("csd-code"),
		None if type_code is None else type_code.get("csd-code"),
		event.get("EventActionCode"), event.get("EventOutcomeIndicator"))


def valid(xml):
	"""What the schema has against each of these, "" for a valid one."""
	result = []
	for text in xml:
		lint = subprocess.run(["xmllint", "--noout", "--relaxng", SCHEMA, "-"], input=text,
				      capture_output=True)
		result.append("" if lint.returncode == 0 else lint.stderr.decode())
	return result


class Rsyslog:
	"""An rsyslogd of the test's own."""

	def __init__(self, folder, configuration):
		if not (program := shutil.which("rsyslogd", path="/usr/sbin:/usr/bin")):
			raise Skip("no rsyslogd")
		self.folder = folder
		folder.mkdir()
		self.state = folder / "state"
		self.state.mkdir()
		self.command = [program, "-n", "-C", "-f", folder / "conf", "-i", folder / "pid"]
		(folder / "conf").write_text(configuration)
		self.process = None

	def start(self):
		with open(self.folder / "log", "ab") as log:
			self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
							stdout=log, stderr=log)
		return self

	def log(self):
		return (self.folder / "log").read_text(errors="replace")

	def end(self, number=signal.SIGTERM):
		if self.process and self.process.poll() is None:
			self.process.send_signal(number)
			self.process.wait(wait.PATIENCE)
		(self.folder / "pid").unlink(missing_ok=True)


def shipped(folder, messages, port, pki):
	"""conf/rsyslog-cathgate.conf, changed where it says so; and quicker to try again."""
	text = (ROOT / "conf/rsyslog-cathgate.conf").read_text()
	for before, after in (
			('target="audit.hospital.example"', 'target="127.0.0.1"'),
			('port="6514"', f'port="{port}"'),
			('PermittedPeers="audit.hospital.example"', 'PermittedPeers="pacs.test"'),
			("/etc/cathgate/tls/audit-ca.crt", f"{pki}/hospital-ca.crt"),
			("/etc/cathgate/tls/audit-client.crt", f"{pki}/gateway-client.crt"),
			("/etc/cathgate/tls/audit-client.key", f"{pki}/gateway-client.key"),
			("/var/log/cathgate/messages/", f"{messages}/"),
			("/var/lib/cathgate-syslog", f"{folder}/state"),
			('resumeInterval="30"', 'resumeInterval="1"'),
			('resumeIntervalMax="300"', 'resumeIntervalMax="1"')):
		assert text.count(after if before == after else before) == 1, before
		text = text.replace(before, after)
	return text


def queued(configuration):
	"""That with rsyslog's own queue, as its comment says."""
	direct = '\t       queue.type="Direct"\n\t       # Or'
	assert configuration.count(direct) == 1
	text = configuration.replace(direct, "\t       # Or")
	text, count = re.subn(r"(?m)^(\t       )#(queue\.)", r"\1\2", text)
	assert count == 4, count
	return text


class Repository(Rsyslog):
	"""Takes audit messages over TLS from who shows the gateway's certificate, and keeps each
	as it came, a line each."""

	def __init__(self, folder, pki, certificate="pacs", peer="gateway.test", port=None,
		     ca="hospital-ca"):
		self.port = port or wait.free_ports(1)[0]
		self.file = folder / "received"
		super().__init__(folder, f'''
global(workDirectory="{folder}/state")
global(maxMessageSize="128k" defaultNetstreamDriver="ossl"
	defaultNetstreamDriverCAFile="{pki}/{ca}.crt"
	defaultNetstreamDriverCertFile="{pki}/{certificate}.crt"
	defaultNetstreamDriverKeyFile="{pki}/{certificate}.key")
module(load="imtcp" StreamDriver.Name="ossl" StreamDriver.Mode="1"
	StreamDriver.AuthMode="x509/name" PermittedPeer=["{peer}"])
template(name="raw" type="list") {{ property(name="rawmsg") constant(value="\\n") }}
input(type="imtcp" address="127.0.0.1" port="{self.port}" ruleset="keep")
ruleset(name="keep") {{ action(type="omfile" file="{self.file}" template="raw") }}
''')

	def start(self):
		super().start()
		assert wait.wait_listening(self.process.pid, self.port), "no repository"
		return self

	def received(self):
		"""Whole lines; without rsyslog's own words, which don't look like ours."""
		text = self.file.read_bytes() if self.file.exists() else b""
		return text.split(b"\n")[:-1]

	def wait_for(self, messages):
		"""Until the last of them has come."""
		eventually(lambda: messages[-1] in self.received())


def without_repeats(messages):
	return list(dict.fromkeys(messages))
