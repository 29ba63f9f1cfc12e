"""Goal: text on the command line in another character set than UTF-8 is refused as that,
where it must be UTF-8, and is no matter where it is a file's name; no message blames memory,
or is itself in that character set."""
import json
import os
import subprocess

from dicom import PATIENCE
from harness import Test, cathgate

NAME = "Müller".encode("latin-1")


def run(*command, status):
	done = subprocess.run([cathgate(), *(os.fsencode(word) for word in command)],
			      capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)
	assert done.returncode == status, (command, done)
	assert b"memory" not in done.stderr, done.stderr
	done.stderr.decode()	# or it isn't UTF-8
	return done.stdout if status == 0 else done.stderr.decode()


def setup(*more, status=0):
	return run("setup", "--user", "root", "--host", "gw.test", "--listen", "127.0.0.1",
		   "--pacs-host", "127.0.0.1", "--pacs-ae-title", "PACS", "--pacs-ca",
		   t.pki / "hospital-ca.crt", "--log-directory", t.work / "log", *more,
		   status=status)


with Test() as t:
	folder = t.work / "site"
	config = folder / "cathgate.conf"
	for text, says in ((NAME, "isn't UTF-8"), (b"\xc3", "isn't UTF-8"),
			   (b"\xed\xa0\x80", "isn't UTF-8"), (b"\xc0\xaf", "isn't UTF-8"),
			   ("a\u0085b".encode(), "control characters"), (b"a\nb", "control"),
			   (65 * b"a", "too long")):
		said = setup("--directory", folder, "--organization", text, status=2)
		assert "--organization" in said and says in said, said
		assert not folder.exists()
	assert r"M\u00fcller" in setup("--directory", folder, "--organization", NAME, status=2)
	for option in ("name", "host", "listen", "port", "pacs-host", "pacs-port",
		       "pacs-ae-title", "pacs-server-name", "calling-ae-title", "user", "group",
		       "days", "modality-ca", "pacs-ca"):
		assert option in setup("--directory", folder, f"--{option}", NAME, status=2)
	setup("--directory", folder, "--organization", "Universitätsklinikum".encode())
	subject = subprocess.run(["openssl", "x509", "-in", folder / "tls/gateway.crt", "-noout",
				  "-subject", "-nameopt", "utf8"], capture_output=True)
	assert "Universitätsklinikum".encode() in subject.stdout, subject

	for option in ("ae-title", "called-ae-title", "address", "certificate", "days"):
		assert option in run("modality", "add", "m", "--config", config, "--ae-title",
				     "T", f"--{option}", NAME, status=2)
	for option in ("sop-class", "destination", "request", "password-file"):
		run("modality", "add", "m", "--config", config, "--ae-title", "T", "--output",
		    t.work / "m", f"--{option}", NAME, status=1)
	run("modality", "add", NAME, "--config", config, "--ae-title", "T", status=2)
	assert not (t.work / "m").exists()

	# Files may be called what they like.
	odd = os.fsencode(t.work / "odd") + NAME
	setup("--directory", odd)
	run("modality", "add", "m", "--config", odd + b"/cathgate.conf", "--ae-title", "T",
	    "--output", odd + b"-out", status=0)
	entry, = json.loads(run("modality", "list", "--json", "--config",
				odd + b"/cathgate.conf", status=0))
	assert entry["file"].endswith(r"oddM\u00fcller/modalities.d/m.conf"), entry
	gateway = t.gateway(t.pacs())
	assert gateway.stop() == 0
	assert "isn't UTF-8" in run("audit", "tail", "--modality", NAME, gateway.audit_file,
				    status=2)
	assert "isn't UTF-8" in run("audit", "report", "--modality", NAME, gateway.audit_file,
				    status=2)
