"""Goal: a CRL or a certificate of the gateway's that isn't valid yet doesn't take the place of
one that is: that one stays in force, and the new one comes into force by itself, also for open
associations. Five minutes that a CA's clock is ahead don't count."""
import os
import shutil
import ssl
import subprocess

import dicom
from authority import Authority
from config import fingerprint
from harness import Test, cathgated, eventually
from objects import make

MINUTE, HOUR = 60, 3600
CLIENT = "extendedKeyUsage = clientAuth"
SERVER = "extendedKeyUsage = serverAuth\nsubjectAltName = DNS:gateway.test"


def swap(first):
	ca.crl("next.crl", first=first)
	os.replace(t.pki / "next.crl", t.pki / "live.crl")


def check(crl):
	gateway.reconfigure({**settings, "listen.0.tls.crl": f"{t.pki}/{crl}"})
	return subprocess.run([cathgated(), "--check", "--config", gateway.config],
			      capture_output=True).returncode


def served():
	context = dicom.client_context(t.pki, "device")
	with dicom.connect(gateway.port, context) as sock:
		return ssl.DER_cert_to_PEM_cert(sock.getpeercert(True)).split()


def wanted(name):
	return (t.pki / f"{name}.crt").read_text().split()


with Test() as t:
	shutil.copytree(t.pki, t.work / "tls")
	t.pki = t.work / "tls"
	ca, hospital = Authority(t.pki, "device-ca"), Authority(t.pki, "gateway-ca")
	names = ("device", "one", "two", "three")
	for name in names:
		ca.issue(name, CLIENT)
	ca.issue("ahead", CLIENT, first=4 * MINUTE)
	ca.issue("tomorrow", CLIENT, first=24 * HOUR)
	hospital.issue("own", SERVER)
	(t.pki / "hospital-ca.crt").write_bytes(
		(t.pki / "hospital-ca.crt").read_bytes() + (t.pki / "gateway-ca.crt").read_bytes())
	swap(-HOUR)
	settings = {
		"listen.0.tls": {"certificate": f"{t.pki}/own.crt", "key": f"{t.pki}/own.key",
				 "ca": f"{t.pki}/device-ca.crt", "crl": f"{t.pki}/live.crl"},
		"modalities.0.certificate.sha256": [fingerprint(t.pki / f"{name}.crt")
						    for name in (*names, "ahead", "tomorrow")]}
	gateway = t.gateway(t.pacs(), settings)
	t.associate(gateway, "ahead").release()
	assert t.is_refused(gateway, "tomorrow")

	# A little ahead: it counts at once.
	ca.revoke("one")
	swap(40)
	gateway.wait_audit(event="reload", outcome="done")
	assert t.is_refused(gateway, "one")
	t.associate(gateway, "device").release()

	# Hours ahead: what was in force stays so.
	ca.revoke("two")
	swap(2 * HOUR)
	gateway.wait_log("stays in force until then")
	gateway.reload(settings)
	t.associate(gateway, "device").release()
	t.associate(gateway, "two").release()
	assert t.is_refused(gateway, "one")
	gateway.wait_audit(event="association", outcome="refused", reason="tls-revoked")

	# Seconds before it counts: by itself, for one that is open, too.
	modality = t.associate(gateway, "two")
	done = len(gateway.audit(event="reload"))
	swap(5 * MINUTE + 4)
	line = gateway.wait_audit_beyond(done, event="reload", outcome="done")
	assert "CRL of CN=device-ca" in line["detail"], line
	assert modality.store(make("explicit")).status == 0x0124
	assert t.is_refused(gateway, "two")
	t.associate(gateway, "device").release()

	# The same for the gateway's own certificate, key and all.
	before = wanted("own")
	later = Authority(t.pki, "gateway-ca")
	later.issue("renewed", SERVER, first=10)
	done = len(gateway.audit(event="reload"))
	for part in ("key", "crt"):
		os.replace(t.pki / f"renewed.{part}", t.pki / f"own.{part}")
	gateway.wait_log("the old pair stays in force until then")
	assert served() == before
	eventually(lambda: served() == wanted("own"))

	# A start has nothing to keep: it refuses until the CRL is valid.
	ca.crl("later.crl", first=2 * HOUR)
	ca.crl("soon.crl", first=40)
	assert check("later.crl") == 1 and check("soon.crl") == 0
	other = t.gateway(t.pacs(), {**settings, "listen.0.tls.crl": f"{t.pki}/later.crl"})
	assert t.is_refused(other, "device")
	other.wait_audit(event="association", outcome="refused", reason="tls-crl-stale")
