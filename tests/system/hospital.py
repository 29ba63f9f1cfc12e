"""A hospital around the machine's gateway: Wi-Fi with a modality, and a PACS, each in a
network namespace with addresses as the documents have them, and a CA. The PACS is dcmqrscp
behind stunnel; a modality is DCMTK's tools, with what cathgate wrote for it."""
import os
import pathlib
import pty
import re
import select
import subprocess

import objects
from authority import Authority
from service import PACS_FILES, do, eventually

HOME = pathlib.Path("/root/hospital")		# where whoever sets it up works
PACS_HOST, PACS_ADDRESS = "pacs.hospital.example", "10.20.0.5"
GATEWAY_HOST, GATEWAY_ADDRESS = "gw.hospital.example", "192.168.40.1"
MODALITY_ADDRESS = "192.168.40.7"
HOSPITAL_CA = HOME / "hospital-ca.crt"
PUBLISHED = pathlib.Path("/srv/published")
TRUSTED_BY_PACS = pathlib.Path("/srv/pacs-tls/gateways-ca.crt")
PASSWORD = re.compile(r"Password of \S+, shown this once: (\S+)")


def shell(command, **more):
	return do("bash", "-ec", command, cwd=HOME, **more)


def make_network():
	for place, link, own, peer in (
			("wifi", "wlan0", GATEWAY_ADDRESS, MODALITY_ADDRESS),
			("pacs", "lan0", "10.20.0.1", PACS_ADDRESS)):
		inside = ["ip", "-n", place]
		do("ip", "netns", "add", place)
		do("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", place)
		do("ip", "address", "add", f"{own}/24", "dev", link)
		do("ip", "link", "set", link, "up")
		do(*inside, "address", "add", f"{peer}/24", "dev", "eth0")
		do(*inside, "link", "set", "eth0", "up")
		do(*inside, "link", "set", "lo", "up")
	with open("/etc/hosts", "a") as hosts:
		hosts.write(f"{GATEWAY_ADDRESS} {GATEWAY_HOST}\n{PACS_ADDRESS} {PACS_HOST}\n")


def make_hospital(intermediate=None):
	"""Its CA, below which another one signs, if that is named, and the PACS's certificate.
	Returns the CA that signs; all lies in its folder."""
	HOME.mkdir()
	folder = TRUSTED_BY_PACS.parent
	folder.mkdir(mode=0o700)
	ca = Authority(folder, HOSPITAL_CA.stem)
	HOSPITAL_CA.write_bytes((folder / HOSPITAL_CA.name).read_bytes())
	chain = b""
	if intermediate:
		ca = Authority(folder, intermediate, ca)
		chain = (folder / f"{intermediate}.crt").read_bytes()
	ca.issue("pacs", f"extendedKeyUsage = serverAuth\nsubjectAltName = DNS:{PACS_HOST}\n")
	with open(folder / "pacs.crt", "ab") as certificate:
		certificate.write(chain)
	return ca


def publish():
	"""What is in PUBLISHED, at http://ca.hospital.example, until the unit publisher stops."""
	PUBLISHED.mkdir()
	with open("/etc/hosts", "a") as hosts:
		hosts.write(f"{PACS_ADDRESS} ca.hospital.example\n")
	do("systemd-run", "-q", "--unit=publisher", "-p", "NetworkNamespacePath=/run/netns/pacs",
	   "python3", "-m", "http.server", "-d", PUBLISHED, "80")
	eventually(lambda: ":80 " in do("ip", "netns", "exec", "pacs", "ss", "-ltn"))


def start_pacs(trusted):
	"""With the CA that the gateway's administrator has brought."""
	TRUSTED_BY_PACS.write_bytes(trusted.read_bytes())
	PACS_FILES.mkdir(exist_ok=True)
	(PACS_FILES / "dcmqrscp.cfg").write_text(
		"NetworkTCPPort = 11112\nMaxPDUSize = 131072\nMaxAssociations = 100\n"
		"HostTable BEGIN\nHostTable END\nVendorTable BEGIN\nVendorTable END\n"
		f"AETable BEGIN\nPACS {PACS_FILES} RW (500, 1024mb) ANY\nAETable END\n")
	folder = TRUSTED_BY_PACS.parent
	(folder / "stunnel.conf").write_text(
		"foreground = yes\npid =\n[pacs]\n"
		f"accept = {PACS_ADDRESS}:2762\nconnect = 127.0.0.1:11112\n"
		f"cert = {folder}/pacs.crt\nkey = {folder}/pacs.key\n"
		f"CAfile = {TRUSTED_BY_PACS}\nrequireCert = yes\nverifyChain = yes\n")
	for name, command in {"pacs": f"dcmqrscp +B --config {PACS_FILES}/dcmqrscp.cfg",
			      "pacs-tls": f"stunnel {folder}/stunnel.conf"}.items():
		pathlib.Path(f"/run/systemd/system/{name}.service").write_text(
			"[Service]\nEnvironment=TCP_NODELAY=1\n"
			f"NetworkNamespacePath=/run/netns/pacs\nExecStart={command}\n")
	do("systemctl", "daemon-reload")
	do("systemctl", "restart", "pacs.service", "pacs-tls.service")
	for port in (":2762", ":11112"):
		eventually(lambda port=port: port in do("ip", "netns", "exec", "pacs", "ss", "-ltn"))


def at_pacs(obj):
	"""Whether it is there, as it was sent."""
	found = [path for path in PACS_FILES.rglob("*")
		 if path.is_file() and path.suffix != ".cfg" and path.name != "index.dat"
		 and obj.sop_instance.encode() in path.read_bytes()]
	return bool(found) and objects.read_part10(found[0]).sha256 == obj.sha256


class Modality:
	"""A device that somebody has set up by the page and the files in its folder, with the
	PKCS#12 file in it; or with a pair of its own, NAME.key and NAME.crt."""

	def __init__(self, folder, password=None, pair=None):
		page = next(folder.glob("*.txt")).read_text()
		self.folder, self.page = folder, page
		self.host = re.search(r"^  Host +(\S+)", page, re.M)[1]
		self.port = re.search(r"^  Port +(\d+)$", page, re.M)[1]
		self.called = re.search(r"^  AE title \(called\) +(\S+)", page, re.M)[1]
		self.calling = re.search(r"^  AE title \(calling\) +(\S+)", page, re.M)[1]
		pair = pair or folder / "imported"
		self.key, self.certificate = (pair.with_name(pair.name + end)
					      for end in (".key", ".crt"))
		if password:
			self.open(next(folder.glob("*.p12")), password)

	def open(self, store, password):
		opened = ["openssl", "pkcs12", "-in", str(store), "-passin", f"pass:{password}"]
		do(*opened, "-nocerts", "-nodes", "-out", str(self.key))
		do(*opened, "-clcerts", "-nokeys", "-out", str(self.certificate))

	def secured(self):
		return ["+tls", self.key, self.certificate, "+cf", self.folder / "ca.crt"]

	def run(self, tool, *files):
		return subprocess.run(
			["ip", "netns", "exec", "wifi", tool, *self.secured(), "-aet", self.calling,
			 "-aec", self.called, self.host, self.port, *files],
			stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
			env={**os.environ, "TCP_NODELAY": "1"})

	def echoes(self):
		return self.run("echoscu").returncode == 0

	def send(self):
		"""An image that it has taken; None when it was not to be had."""
		obj = objects.make("explicit")
		objects.write_part10(obj, HOME / "image.dcm")
		return obj if self.run("storescu", HOME / "image.dcm").returncode == 0 else None

	def sends(self):
		obj = self.send()
		assert obj is not None, self.run("storescu", HOME / "image.dcm").stdout
		assert at_pacs(obj), "the PACS has it not, or otherwise"
		return obj


class PlainModality(Modality):
	"""A device that speaks no TLS, with stunnel beside it as the folder's file has it."""

	def __init__(self, folder):
		super().__init__(folder)
		settings = (folder / "stunnel.conf").read_text()
		self.host, self.port = re.search(r"^accept = (\S+):(\d+)$", settings, re.M).groups()
		pathlib.Path("/run/systemd/system/beside.service").write_text(
			f"[Service]\nType=forking\nWorkingDirectory={folder}\n"
			"NetworkNamespacePath=/run/netns/wifi\nExecStart=stunnel stunnel.conf\n")
		do("systemctl", "daemon-reload")
		do("systemctl", "restart", "beside.service")
		eventually(lambda: f":{self.port} " in do("ip", "netns", "exec", "wifi", "ss", "-ltn"))

	def secured(self):
		return []


def handed_out(said):
	"""A modality that somebody sets up with the folder that a command named."""
	return Modality(folder_named(said), PASSWORD.search(said)[1])


def folder_named(said):
	return HOME / re.search(r"Bring what is in (\S+) to", said)[1]


def answered(command, answers):
	"""What a command says on a terminal to somebody who takes what is usual, but for these:
	part of a question: its answer."""
	pid, terminal = pty.fork()
	if pid == 0:
		os.chdir(HOME)
		os.execvp("bash", ["bash", "-ec", command])
	said, asked = "", 0
	while select.select([terminal], [], [], 60)[0]:
		try:
			piece = os.read(terminal, 4096).decode()
		except OSError:
			break
		said += piece
		question = said[asked:].rsplit("\n", 1)[-1]
		if question.endswith(": "):
			answer = next((value for part, value in answers.items()
				       if part in question), "")
			os.write(terminal, f"{answer}\n".encode())
			asked = len(said)
	assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, said
	return said
