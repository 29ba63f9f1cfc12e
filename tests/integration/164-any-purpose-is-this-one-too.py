"""Goal: a certificate whose extendedKeyUsage is anyExtendedKeyUsage alone is taken from either
side, by --check and by `cathgate modality add --certificate`; one for other purposes is not."""
import shutil
import subprocess

from authority import Authority
from config import fingerprint
from dicom import PATIENCE, XA_CONTEXT
from harness import Test, cathgate, cathgated
from objects import make

ANY = "extendedKeyUsage = anyExtendedKeyUsage\nsubjectAltName = DNS:pacs.test"
MAIL = "extendedKeyUsage = emailProtection\nsubjectAltName = DNS:pacs.test"


def run(*command):
	return subprocess.run([*map(str, command)], capture_output=True, text=True,
			      stdin=subprocess.DEVNULL, timeout=PATIENCE)


def added(name):
	done = run(cathgate(), "modality", "add", name, "--ae-title", name.upper(),
		   "--certificate", t.pki / f"{name}.crt", "--output", t.work / name,
		   "--config", t.work / "etc/cathgate.conf")
	return done.returncode, done.stderr


with Test() as t:
	shutil.copytree(t.pki, t.work / "tls")
	t.pki = t.work / "tls"
	ca = Authority(t.pki, "device-ca")
	for name, extensions in (("any", ANY), ("pacs-any", ANY), ("mail", MAIL), ("pacs-mail", MAIL)):
		ca.issue(name, extensions)
	trust = {"listen.0.tls.ca": f"{t.pki}/device-ca.crt", "listen.0.tls.crl": None,
		 "modalities.0.certificate.sha256": [fingerprint(t.pki / f"{name}.crt")
						     for name in ("any", "mail")],
		 "destinations.0.tls.ca": f"{t.pki}/device-ca.crt"}
	gateway = t.gateway(t.pacs(certificate="pacs-any"), trust)
	modality = t.associate(gateway, "any")
	assert modality.store(make("explicit")).status == 0
	# Judged once more, while it is open.
	gateway.reload({**trust, "limits.idle_seconds": 77})
	assert modality.store(make("explicit")).status == 0
	modality.release()
	assert t.is_refused(gateway, "mail")
	gateway.wait_audit(event="association", outcome="refused", reason="tls-purpose")

	gateway.reload({**trust, "destinations.0.port": t.pacs(certificate="pacs-mail").port})
	answer = t.connect(gateway, "any").request(contexts=[XA_CONTEXT])
	assert answer.result == 2, answer
	gateway.wait_audit(event="association", outcome="refused", reason="destination-tls")

	for name, status in (("pacs-any", 0), ("pacs-mail", 1)):
		gateway.reconfigure({**trust, "listen.0.tls.certificate": f"{t.pki}/{name}.crt",
				     "listen.0.tls.key": f"{t.pki}/{name}.key"})
		done = run(cathgated(), "--check", "--config", gateway.config)
		assert done.returncode == status, (name, done.stderr)
	done = run(cathgate(), "setup", "--directory", t.work / "etc", "--log-directory",
		   t.work / "log", "--host", "gw.test", "--listen", "127.0.0.1", "--pacs-host",
		   "127.0.0.1", "--pacs-ae-title", "PACS", "--pacs-ca", t.pki / "hospital-ca.crt",
		   "--modality-ca", t.pki / "device-ca.crt")
	assert done.returncode == 0, done.stderr
	assert added("any")[0] == 0
	status, text = added("mail")
	assert status == 1 and "have one issued with clientAuth" in text, text
