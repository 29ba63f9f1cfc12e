"""Goal: a certificate that was shown and refused stands in the audit log as shown, never as
proved: its SHA-256, and its subject, which a stranger can fill with anything."""
import pathlib
import ssl
import subprocess

import dicom
from authority import openssl
from config import fingerprint
from harness import Test

REFUSED = {
	"modality-expired": "tls-expired",
	"modality-tomorrow": "tls-not-yet-valid",
	"modality-revoked": "tls-revoked",
	"modality-stranger": "tls-untrusted",
	"modality-server": "tls-purpose",
	"modality-weak": "tls-weak",
}
PROVED, SHOWN = {"certificate", "subject"}, {"shown_certificate", "shown_subject"}


def comes(t, gateway, reason, certificate=None, context=None):
	"""The one line of its refusal."""
	before = len(gateway.audit(reason=reason))
	assert t.is_refused(gateway, certificate, context=context), reason
	line = gateway.wait_audit_beyond(before, outcome="refused", reason=reason)
	assert not PROVED & set(line), line
	return line


def subject(path):
	"""In RFC 2253's form, as OpenSSL writes it."""
	return subprocess.run(["openssl", "x509", "-in", path, "-noout", "-subject", "-nameopt",
			       "RFC2253"], capture_output=True, check=True
			      ).stdout.decode().strip().removeprefix("subject=")


def with_certificate(t, path, key):
	context = dicom.client_context(t.pki, None)
	context.load_cert_chain(path, key)
	return context


def rude(t, name, subject_of_it, old=b"", new=b""):
	"""Self-signed; bytes of its name may be changed, since nobody asks for its signature."""
	folder = pathlib.Path(t.work)
	openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
		"-nodes", "-keyout", f"{name}.key", "-utf8", "-subj", subject_of_it, "-days", 30,
		"-outform", "DER", "-out", f"{name}.der")
	der = (folder / f"{name}.der").read_bytes()
	assert not old or old in der
	(folder / f"{name}.crt").write_text(ssl.DER_cert_to_PEM_cert(der.replace(old, new)))
	return folder / f"{name}.crt", folder / f"{name}.key"


with Test() as t:
	gateway = t.gateway(t.pacs())
	for name, reason in REFUSED.items():
		line = comes(t, gateway, reason, name)
		assert line["shown_certificate"] == fingerprint(t.pki / f"{name}.crt"), line
		assert line["shown_subject"] == subject(t.pki / f"{name}.crt"), line
		assert list(line).index("shown_subject") < list(line).index("prev")

	# What shows none has none.
	old = dicom.client_context(t.pki, "angio")
	old.maximum_version = old.minimum_version = ssl.TLSVersion.TLSv1_1
	old.set_ciphers("DEFAULT:@SECLEVEL=0")
	distrusts = dicom.client_context(t.pki, "angio", ca="stranger-ca")
	for reason, context in (("tls-version", old), ("tls-peer-refused", distrusts),
				("tls-no-certificate", dicom.client_context(t.pki, None))):
		assert not SHOWN & set(comes(t, gateway, reason, context=context)), reason

	# A name can hold anything, and as much of it.
	nul, key = rude(t, "nul", "/CN=an@@io-äö", b"an@@io", b"an\0\x1bio")
	line = comes(t, gateway, "tls-untrusted", context=with_certificate(t, nul, key))
	assert line["shown_certificate"] == fingerprint(nul), line
	assert line["shown_subject"] == r"CN=an\00\1Bio-\C3\A4\C3\B6", line
	long, key = rude(t, "long", "/CN=long" + "".join(f"/OU={i:064}" for i in range(150)))
	line = comes(t, gateway, "tls-untrusted", context=with_certificate(t, long, key))
	assert line["shown_certificate"] == fingerprint(long), line
	assert 200 < len(line["shown_subject"]) < 256, line
	assert b"\x1b" not in gateway.audit_file.read_bytes()

	# Once it is let in, it is proved.
	association = t.associate(gateway)
	line = gateway.wait_audit(event="association", outcome="accepted")
	assert PROVED <= set(line) and not SHOWN & set(line), line
	association.release()
