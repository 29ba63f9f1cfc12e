"""Goal: which keys a certificate may have is the same for whoever asks: the CA that issues for a
request, the certificate that a modality has already, --check, and a handshake in TLS 1.2 and 1.3,
whose reason is about the key."""
import ssl
import subprocess

import dicom
from authority import Authority, key, openssl
from config import fingerprint
from dicom import XA_CONTEXT
from harness import Test, cathgate, cathgated
from objects import make

GOOD = ("P-256", "P-384", "P-521", "ED25519", "RSA")
BAD = ("brainpoolP256r1", "secp256k1", "P-224")
BOTH = "extendedKeyUsage = clientAuth, serverAuth\nsubjectAltName = DNS:pacs.test"
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def run(*command):
	return subprocess.run([*map(str, command)], capture_output=True, text=True,
			      stdin=subprocess.DEVNULL, timeout=dicom.PATIENCE)


def modality(*arguments):
	done = run(cathgate(), "modality", *arguments, "--config", etc / "cathgate.conf")
	return done.returncode, done.stderr


def issued(kind):
	"""Of a request, then of a certificate that another CA made."""
	key(folder, kind, kind)
	openssl(folder, "req", "-new", "-key", f"{kind}.key", "-subj", "/CN=device",
		"-out", f"{kind}.csr", "-config", ca.settings())
	return [modality("add", f"{what}-{kind}", "--ae-title", f"{what[0]}{kind}",
			 f"--{what}", file,
			 "--output", t.work / f"{what}-{kind}")
		for what, file in (("request", folder / f"{kind}.csr"),
				   ("certificate", folder / f"device-{kind}.crt"))]


def shaken(kind, version):
	context = dicom.client_context(folder, f"device-{kind}", ca="hospital-ca")
	context.minimum_version = context.maximum_version = version
	if t.is_refused(gateway, context=context):
		return False
	association = t.connect(gateway, context=context)
	association.request(contexts=[XA_CONTEXT])
	assert association.store(make("explicit")).status == 0
	association.release()
	return True


def check(kind):
	"""Of the gateway's own certificate, by which it calls the PACS."""
	gateway.reconfigure({**settings, "destinations.0.tls.certificate": f"{folder}/device-{kind}.crt",
			     "destinations.0.tls.key": f"{folder}/device-{kind}.key"})
	done = run(cathgated(), "--check", "--config", gateway.config)
	return done.returncode, done.stdout + done.stderr


with Test() as t:
	folder, etc = t.work / "tls", t.work / "etc"
	folder.mkdir()
	(folder / "hospital-ca.crt").write_bytes((t.pki / "hospital-ca.crt").read_bytes())
	done = run(cathgate(), "setup", "--directory", etc, "--log-directory", t.work / "log",
		   "--host", "gw.test", "--listen", "127.0.0.1", "--pacs-host", "127.0.0.1",
		   "--pacs-ae-title", "PACS", "--pacs-ca", t.pki / "hospital-ca.crt")
	assert done.returncode == 0, done.stderr
	ca = Authority(folder, "device-ca")
	with open(etc / "tls/modalities-ca.crt", "ab") as trusted:	# beside the private CA
		trusted.write((folder / "device-ca.crt").read_bytes())
	for kind in GOOD + BAD:
		ca.issue(f"device-{kind}", BOTH, kind=kind)
	settings = {"listen.0.tls.ca": f"{folder}/device-ca.crt", "listen.0.tls.crl": None,
		    "modalities.0.certificate.sha256": [fingerprint(folder / f"device-{kind}.crt")
							for kind in GOOD + BAD]}
	gateway = t.gateway(t.pacs(), settings)
	for kind in GOOD:
		assert [status for status, _ in issued(kind)] == [0, 0], kind
		assert all(shaken(kind, version) for version in VERSIONS), kind
		status, text = check(kind)
		assert status == 0, (kind, text)
	for kind in BAD:
		for status, text in issued(kind):
			assert status == 1 and "P-256, P-384, P-521 or Ed25519" in text, (kind, text)
		status, text = check(kind)
		assert status == 1 and "P-256, P-384, P-521 or Ed25519" in text, (kind, text)
		for version in VERSIONS:
			before = len(gateway.audit(event="association", outcome="refused"))
			assert not shaken(kind, version), kind
			line = gateway.wait_audit_beyond(before, event="association", outcome="refused")
			assert "P-256, P-384, P-521 or Ed25519" in line["detail"], (kind, line)
