"""Goal: `cathgate setup` writes a gateway that passes --check, whether it is told by options
or asked on a terminal; never hangs without one; overwrites nothing; no key is ever open to
others; and however it ends, there is a whole gateway or none."""
import os
import pathlib
import pty
import re
import select
import subprocess

from dicom import PATIENCE
from harness import Test, cathgate, cathgated
from steps import STRIDE, can_trace, created_files, run_with_fault


def told(t, folder, *more):
	usual = {"--directory": folder, "--log-directory": t.work / "log",
		 "--name": "cathlab-3", "--host": "gw.test,127.0.0.1", "--listen": "127.0.0.1",
		 "--pacs-host": "127.0.0.1", "--pacs-ae-title": "PACS",
		 "--pacs-ca": t.pki / "hospital-ca.crt", "--pacs-server-name": "pacs.test"}
	said = [word for option, value in usual.items() if option not in more
		for word in (option, value)]
	return [cathgate(), "setup", *said, *more]


def run(command, **more):
	return subprocess.run([str(word) for word in command], capture_output=True, text=True,
			      stdin=subprocess.DEVNULL, timeout=PATIENCE, **more)


def checked(folder):
	done = run([cathgated(), "--check", "--config", folder / "cathgate.conf"])
	assert done.returncode == 0, done.stdout + done.stderr
	return done.stderr


def openssl(*arguments):
	done = run(["openssl", *arguments])
	assert done.returncode == 0, done.stdout + done.stderr
	return done.stdout


def leftovers(folder):
	return [path for path in folder.iterdir() if path.name.startswith(".")]


def whole_by_options(t):
	folder = t.work / "told"
	done = run(told(t, folder, "--organization", 'The "Hospital"', "--requests"))
	assert done.returncode == 0, done.stderr
	assert "cathgate modality add" in done.stdout
	assert "no modality may connect yet" in checked(folder)
	text = (folder / "cathgate.conf").read_text()
	assert "// Stands in every audit record" in text, "the comments are gone"
	tls = folder / "tls"
	openssl("verify", "-x509_strict", "-crl_check", "-purpose", "sslserver",
		"-verify_hostname", "gw.test", "-CAfile", tls / "modalities-ca.crt",
		"-CRLfile", tls / "modalities.crl", tls / "gateway.crt")
	openssl("verify", "-x509_strict", "-purpose", "sslclient", "-verify_ip", "127.0.0.1",
		"-CAfile", tls / "modalities-ca.crt", tls / "gateway-client.crt")
	request = openssl("req", "-in", tls / "gateway-client.csr", "-verify", "-noout", "-text")
	assert "DNS:gw.test" in request and "TLS Web Client" in request, request
	for name in ("gateway.key", "gateway-client.key", "audit.key", "pseudonym.key"):
		assert (tls / name).stat().st_mode & 0o777 == 0o600, name
	assert (folder / "ca").stat().st_mode & 0o777 == 0o700
	assert (folder / "ca/ca.key").stat().st_mode & 0o777 == 0o600
	assert leftovers(t.work) == [] and leftovers(folder) == []


def old_devices_get_rsa(t):
	done = run(told(t, t.work / "rsa", "--rsa=3072"))
	assert done.returncode == 0, done.stderr
	text = openssl("x509", "-in", t.work / "rsa/tls/gateway.crt", "-noout", "-text")
	assert "(3072 bit)" in text, text
	checked(t.work / "rsa")


def site_has_its_own_ca(t):
	folder = t.work / "own"
	done = run(told(t, folder, "--modality-ca", t.pki / "modalities-ca.crt",
			"--modality-crl", t.pki / "modalities.crl", "--requests"))
	assert done.returncode == 0, done.stderr
	assert not (folder / "ca/ca.key").exists()
	checked(folder)
	done = run(told(t, t.work / "plain", "--pacs-ca", "none"))
	assert done.returncode == 0, done.stderr
	assert "unencrypted" in checked(t.work / "plain")


def nobody_to_ask(t):
	done = run([cathgate(), "setup", "--directory", t.work / "silent"])
	assert done.returncode == 2
	for option in ("--pacs-host", "--pacs-ae-title", "--pacs-ca"):
		assert option in done.stderr, done.stderr
	for wrong, says in ((["--port", "0"], "from 1 to 65535"),
			    (["--pacs-ae-title", "SEVENTEEN LETTERS"], "1 to 16"),
			    (["--listen", "gw.test"], "numeric address"),
			    (["--host", "a b/c"], '"b/c" is no host'),
			    (["--host", " , "], "names no host"),
			    (["--host", "gw.test,https://gw.test"], "neither port nor URL"),
			    (["--host", "gw.test:2762"], "neither port nor URL"),
			    (["--host", "gw..test"], "is no host"),
			    (["--host", "gw-.test"], "is no host"),
			    (["--host", "*.test"], "is no host"),
			    (["--host", "gw.test,192.168.1.300"], '"192.168.1.300" is no address'),
			    (["--host", "192.168.1"], "is no address"),
			    (["--host", ",".join(f"gw{i}.test" for i in range(17))], "too many"),
			    (["--pacs-host", "10.0.0.1/24"], "is no host"),
			    (["--pacs-server-name", "10.0.0.256"], "is no address"),
			    (["--pacs-ca", "/nonexistent"], "can't be read"),
			    (["--rsa=1024"], "2048"), (["--user", "nobody-at-all"], "no user"),
			    (["--nonsense"], "nonsense"), (["word"], "word")):
		done = run(told(t, t.work / "silent", *wrong))
		assert done.returncode == 2 and says in done.stderr, (wrong, done.stderr)
	assert not (t.work / "silent").exists()


def nothing_is_overwritten(t):
	folder = t.work / "told"
	before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
	assert run(told(t, folder)).returncode == 1
	assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

	# What is there already stays; a file in the way is named, and then nothing is done.
	folder = t.work / "begun"
	(folder / "tls").mkdir(parents=True)
	(folder / "notes").write_text("mine")
	(folder / "tls/pacs-ca.crt").write_bytes((t.pki / "hospital-ca.crt").read_bytes())
	(folder / "tls/gateway.key").write_text("mine")
	done = run(told(t, folder))
	assert done.returncode == 1 and "tls/gateway.key is there already" in done.stderr
	assert sorted(path.name for path in folder.rglob("*")) == [
		"gateway.key", "notes", "pacs-ca.crt", "tls"]
	(folder / "tls/gateway.key").unlink()
	done = run(told(t, folder, "--pacs-ca", folder / "tls/pacs-ca.crt"))
	assert done.returncode == 0, done.stderr
	assert (folder / "notes").read_text() == "mine"
	checked(folder)
	assert leftovers(folder) == []

	# But for the sample, which an installation may have left.
	folder = t.work / "sample"
	folder.mkdir()
	root = pathlib.Path(__file__).resolve().parents[2]
	(folder / "cathgate.conf").write_bytes((root / "conf/cathgate.conf").read_bytes())
	done = run(told(t, folder))
	assert done.returncode == 0, done.stderr
	checked(folder)


def asked_on_a_terminal(t):
	folder = t.work / "asked"
	answers = ["", "gw.test", "127.0.0.1", "seventy", "11112", "pacs.test", "", "PACS",
		   "/nonexistent", str(t.pki / "hospital-ca.crt"), "", "CATHGATE", "", "y"]
	pid, terminal = pty.fork()
	if pid == 0:
		os.environ["TERM"] = "dumb"
		command = [cathgate(), "setup", "--directory", str(folder),
			   "--log-directory", str(t.work / "log")]
		os.execv(command[0], command)
	said = b""
	while True:
		assert select.select([terminal], [], [], 20)[0], said.decode(errors="replace")
		try:
			piece = os.read(terminal, 4096)
		except OSError:
			break
		if not piece:
			break
		said += piece
		if re.search(rb"[\]\w]: $", said) and answers:
			os.write(terminal, (answers.pop(0) + "\n").encode())
			said += b"\n"
	status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
	text = said.decode(errors="replace")
	assert status == 0, text
	assert "is no port" in text and "can't be read" in text, text
	conf = (folder / "cathgate.conf").read_text()
	for line in ('address = "127.0.0.1"; port = 11112;', 'host = "pacs.test";',
		     'server_name = "pacs.test";', 'calling_ae_title = "CATHGATE";'):
		assert line in conf, (line, conf)
	checked(folder)


def keys_are_never_open(t):
	for path, mode in created_files(told(t, t.work / "traced"), t.work / "strace.log"):
		public = re.search(r"\.(crt|csr|crl|pub|conf)(\.|$)", path)
		folder = re.search(r"(/|^)(\.cathgate-new-\w+|tls|modalities\.d|log)$", path)
		if path.startswith(str(t.work)) and not public:
			assert mode & 0o077 == 0 or folder and mode == 0o2750, (path, oct(mode))


def each_step(t):
	for fault in ("signal=SIGKILL", "error=EIO"):
		for step in range(1, 200, STRIDE):
			folder = t.work / f"step-{fault[:5]}-{step}"
			done = run_with_fault(told(t, folder), "fsync", step, fault)
			if folder.exists():
				checked(folder)
			if done.returncode == 0:
				break
			if fault.startswith("error"):
				assert leftovers(t.work) == [], (step, done.stderr)
				assert not folder.exists() or step > 20, step
		assert 15 < step < 199, step
		assert run(told(t, folder.with_name(fault[:5]))).returncode == 0
		assert leftovers(t.work) == [], "a killed run's folder is still there"


with Test() as t:
	whole_by_options(t)
	old_devices_get_rsa(t)
	site_has_its_own_ca(t)
	nobody_to_ask(t)
	nothing_is_overwritten(t)
	asked_on_a_terminal(t)
	if can_trace():
		keys_are_never_open(t)
		each_step(t)
