"""Goal: the wizard says at once which answer is wrong and why, and asks it again: a leaf in the
place of a CA, one that is expired, weak or without its root, a CRL of another CA or out of date.
Several CRLs are all kept, an option of one value is never silently replaced, no answer is lost
when nothing can be written, all fits 80 columns, and root isn't told to be root."""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios

from authority import DAY, Authority, self_signed
from dicom import PATIENCE
from harness import Test, cathgate, cathgated


class Wizard:
	def __init__(self, *options):
		self.pid, self.terminal = pty.fork()
		if self.pid == 0:
			os.environ.update(TERM="dumb", COLUMNS="80")
			os.execv(cathgate(), [cathgate(), "setup", *map(str, options)])
		fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
		self.said = ""

	def read(self, until=r"\n(?!cathgate|Note)[^\n]*[\]\w]: $"):
		"""What it says up to its next question, or its end."""
		said = b""
		while not re.search(until.encode(), said):
			assert select.select([self.terminal], [], [], PATIENCE)[0], said
			try:
				piece = os.read(self.terminal, 4096)
			except OSError:
				break
			if not piece:
				break
			said += piece
		text = said.decode().replace("\r\n", "\n")
		self.said += text
		return text

	def answer(self, text):
		os.write(self.terminal, f"{text}\n".encode())
		return self.read()

	def end(self):
		"""Its exit status. It finds nobody there if it still asks something."""
		os.close(self.terminal)
		return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def run(*options):
	return subprocess.run([cathgate(), "setup", *map(str, options)], capture_output=True,
			      text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)


def authorities(t):
	root = Authority(t.work, "root")
	root.issue("leaf")
	root.crl("root.crl")
	root.crl("stale.crl", first=-9 * DAY, last=-DAY)
	middle = Authority(t.work, "middle", parent=root)
	middle.crl("middle.crl")
	other = Authority(t.work, "other")
	other.crl("other.crl")
	self_signed(t.work, "own")
	for name in ("root", "middle"):
		subprocess.run(["openssl", "crl", "-in", t.work / f"{name}.crl", "-outform", "DER",
				"-out", t.work / f"{name}-crl.der"], check=True)
	subprocess.run(["openssl", "x509", "-in", t.work / "root.crt", "-outform", "DER", "-out",
			t.work / "root.der"], check=True)
	subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj",
			"/CN=weak", "-keyout", t.work / "weak.key", "-out", t.work / "weak.crt"],
		       check=True, capture_output=True)
	(t.work / "chain.crt").write_text((t.work / "middle.crt").read_text()
					  + (t.work / "root.crt").read_text())


def told(t, folder, *more):
	return run("--directory", t.work / folder, "--log-directory", t.work / "log", "--host",
		   "gw.test", "--pacs-host", "pacs.test", "--pacs-ae-title", "PACS", *more)


def options_are_judged(t):
	for words, says in (
		(["--pacs-ca", t.work / "leaf.crt"], "made for CN=leaf; give the certificate of "
						     "that CA, CN=root"),
		(["--pacs-ca", t.work / "middle.crt"], "up to the self-signed one"),
		(["--pacs-ca", t.work / "weak.crt"], "weak key"),
		(["--pacs-ca", t.pki / "pacs-expired.crt"], "that CA"),
		(["--pacs-ca", "none", "--modality-ca", t.work / "leaf.crt"], "isn't a CA's"),
		(["--pacs-ca", "none", "--modality-crl", t.work / "root.crl"], "--modality-ca"),
		(["--pacs-ca", "none", "--modality-ca", t.work / "root.crt", "--modality-crl",
		  t.work / "other.crl"], "of a CA that isn't in `ca`"),
		(["--pacs-ca", "none", "--modality-ca", t.work / "root.crt", "--modality-crl",
		  t.work / "stale.crl"], "went stale"),
		(["--pacs-ca", "none", "--pacs-ca", "none"], "--pacs-ca is given twice"),
		(["--pacs-ca", "none", "--days", "3", "--days", "4"], "--days is given twice"),
		(["--pacs-ca", "none", "--rsa", "--rsa=3072"], "--rsa is given twice")):
		done = told(t, "wrong", *words)
		assert done.returncode == 2 and says in done.stderr, (words, done.stderr)
		assert not (t.work / "wrong").exists()
	done = told(t, "own-pacs", "--pacs-ca", t.work / "own.crt")
	assert done.returncode == 0 and "has signed itself" in done.stdout, done
	done = told(t, "der", "--pacs-ca", t.work / "root.der")
	assert done.returncode == 0, done.stderr


def each_crl_is_kept(t):
	for kind, folder in (("{}.crl", "pem"), ("{}-crl.der", "crl-der")):
		crls = [word for name in ("root", "middle")
			for word in ("--modality-crl", t.work / kind.format(name))]
		done = told(t, folder, "--pacs-ca", "none", "--modality-ca", t.work / "chain.crt",
			    *crls)
		assert done.returncode == 0, done.stderr
		text = (t.work / folder / "tls/modalities.crl").read_text()
		assert text.count("BEGIN X509 CRL") == 2, text


def asked(t):
	folder = t.work / "it's asked"
	wizard = Wizard("--directory", folder, "--log-directory", t.work / "log", "--name", "cath")
	wizard.read()
	for answer in ("gw.test", "127.0.0.1", "2762", "pacs.test", ""):
		wizard.answer(answer)
	wizard.answer("PACS")
	for wrong, says in (("leaf.crt", "give the certificate of that CA"),
			    ("weak.crt", "weak key"), ("middle.crt", "self-signed")):
		said = wizard.answer(t.work / wrong)
		assert says in " ".join(said.split()), said
		assert said.rstrip().endswith("File with the CA certificate:"), said
	for answer in (t.work / "root.crt", "", ""):
		said = wizard.answer(answer)
	assert "hospital's CA for modalities" in said, said
	said = wizard.answer(t.work / "leaf.crt")
	assert "isn't a CA's" in said, said
	said = wizard.answer(t.work / "chain.crt")
	assert "CRL" in said, said
	said = wizard.answer(t.work / "root.crl")
	assert said.rstrip().endswith("Another one: File with the CRL of that CA [none]:"), said
	said = wizard.answer("")
	assert "there is no CRL of CN=middle" in said, said
	wizard.answer(t.work / "root.crl")
	wizard.answer(t.work / "middle-crl.der")
	assert "Write all this" in wizard.answer("")
	return folder, wizard


def no_answer_is_lost(t):
	folder, wizard = asked(t)
	folder.mkdir()		# in the meantime somebody puts a file in the way
	(folder / "tls").write_text("mine\n")
	said = wizard.answer("y")
	assert wizard.end() != 0
	command = re.search(r"^  (cathgate setup .*--days \d+)$", said, re.M | re.S)[1]
	for line in wizard.said.splitlines():
		if not line.startswith((" ", "cathgate: ")) and str(t.work) not in line:
			assert len(line) <= 80, line
	(folder / "tls").unlink()
	assert command.count("--modality-crl ") == 2, command
	path = f"{os.path.dirname(cathgate())}:{os.environ['PATH']}"
	done = subprocess.run(command, shell=True, env={**os.environ, "PATH": path},
			      capture_output=True, text=True, stdin=subprocess.DEVNULL)
	assert done.returncode == 0, done.stderr
	done = subprocess.run([cathgated(), "--check", "--config", folder / "cathgate.conf"],
			      capture_output=True, text=True)
	assert done.returncode == 0, done.stderr


def places_are_looked_at_first(t):
	(t.work / "file").write_text("")
	for options in (["--directory", t.work / "e", "--log-directory", t.work / "file"],
			["--directory", t.work / "none/e", "--log-directory", t.work / "log"],
			["--directory", t.work / "e", "--log-directory", t.work / "none/log"],
			["--directory", t.work / "file/e", "--log-directory", t.work / "log"]):
		wizard = Wizard(*options)
		said = wizard.read()
		assert wizard.end() == 2 and "name another" in " ".join(said.split()), said
		assert "Name of this gateway" not in said
		if os.geteuid() == 0:
			assert "as root" not in said, said


with Test() as t:
	authorities(t)
	options_are_judged(t)
	each_crl_is_kept(t)
	no_answer_is_lost(t)
	places_are_looked_at_first(t)
