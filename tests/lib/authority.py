"""A CA of the test's own, by the command openssl: certificates and CRLs with any extension
and any dates.

	ca = Authority(folder, "device-ca")
	ca.issue("angio", "extendedKeyUsage = clientAuth")
	ca.revoke("angio")
	ca.crl("device-ca.crl", "issuingDistributionPoint = critical, onlyuser:TRUE")

Times are in seconds from now. What is made lies in the folder as NAME.crt, NAME.key.
"""
import datetime
import os
import subprocess

LEAF = "basicConstraints = critical, CA:FALSE\nkeyUsage = critical, digitalSignature\n"
AUTHORITY = "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign, cRLSign\n"
DAY = 86400
# A value of extensions may refer to it as @point.
POINT = "\n[ point ]\nfullname = URI:http://ca.example/devices.crl\n"
FIRST, LAST = -DAY, 365 * DAY


def when(seconds):
	now = datetime.datetime.now(datetime.timezone.utc)
	return f"{now + datetime.timedelta(seconds=seconds):%Y%m%d%H%M%SZ}"


def openssl(folder, *arguments):
	done = subprocess.run(["openssl", *map(str, arguments)], cwd=folder, capture_output=True,
			      env={**os.environ, "OPENSSL_CONF": "/dev/null"})
	assert done.returncode == 0, done.stderr.decode()


def key(folder, name, kind="P-256"):
	how = {"RSA": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
	       "RSA-PSS": ["-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"],
	       "ED25519": ["-algorithm", "ED25519"], "ED448": ["-algorithm", "ED448"]}.get(
		       kind, ["-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{kind}"])
	openssl(folder, "genpkey", *how, "-out", f"{name}.key")


class Authority:
	def __init__(self, folder, name, parent=None, kind="P-256"):
		self.folder, self.name = folder, name
		(folder / f"{name}.index").touch()
		if (folder / f"{name}.crt").exists():
			return		# whatever it is, its key signs
		if parent:
			parent.issue(name, AUTHORITY, base="", kind=kind)
			return
		key(folder, name, kind)
		self.request(name)
		self.sign(name, AUTHORITY, ["-selfsign"], FIRST, LAST)

	def request(self, name):
		openssl(self.folder, "req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}",
			"-config", self.settings(), "-out", f"{name}.csr")

	def settings(self, extensions=""):
		path = self.folder / f"{self.name}.cnf"
		path.write_text(f"""
[ req ]
distinguished_name = names
[ names ]
[ ca ]
default_ca = it
[ it ]
database = {self.name}.index
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
policy = names_taken
[ names_taken ]
commonName = supplied
[ extensions ]
{extensions}{POINT}""")
		return path.name

	def run(self, extensions, *arguments):
		openssl(self.folder, "ca", "-batch", "-config", self.settings(extensions),
			"-keyfile", f"{self.name}.key", "-notext", *arguments)

	def sign(self, name, extensions, how, first, last):
		self.run(extensions, "-in", f"{name}.csr", "-out", f"{name}.crt", *how,
			 "-extensions", "extensions",
			 "-startdate", when(first), "-enddate", when(last))

	def issue(self, name, extensions="", base=LEAF, kind="P-256", first=FIRST, last=LAST):
		key(self.folder, name, kind)
		self.request(name)
		self.sign(name, base + extensions, ["-cert", f"{self.name}.crt"], first, last)

	def revoke(self, name):
		self.run("", "-cert", f"{self.name}.crt", "-revoke", f"{name}.crt")

	def crl(self, file, extensions="", first=FIRST, last=30 * DAY):
		self.run(extensions, "-cert", f"{self.name}.crt", "-gencrl", "-out", file,
			 *(["-crlexts", "extensions"] if extensions else []),
			 "-crl_lastupdate", when(first), "-crl_nextupdate", when(last))


def self_signed(folder, name, extensions="basicConstraints = critical, CA:FALSE",
		kind="P-256"):
	"""As devices make them for themselves."""
	key(folder, name, kind)
	(folder / f"{name}.cnf").write_text(
		f"[ req ]\ndistinguished_name = names\n[ names ]\n[ extensions ]\n{extensions}\n")
	openssl(folder, "req", "-x509", "-key", f"{name}.key", "-subj", f"/CN={name}",
		"-config", f"{name}.cnf", "-extensions", "extensions", "-days", 365,
		"-out", f"{name}.crt")
