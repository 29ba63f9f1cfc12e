"""Goal: a CRL with a scope of its own (a distribution point, users' certificates only) judges
what its CA has signed and not the CA itself, which is the anchor; one that no handshake could
use is refused by --check and by a reload, and what was in force stays."""
import os
import shutil
import subprocess

from authority import Authority
from config import fingerprint
from harness import Test, cathgated
from objects import make

AT_POINT = """extendedKeyUsage = clientAuth
crlDistributionPoints = URI:http://ca.example/devices.crl
"""
POINT = "issuingDistributionPoint = critical, @point"
USELESS = {
	"onlyCA:TRUE": "is about CAs' certificates only",
	"onlyAA:TRUE": "is about attribute certificates only",
	"onlysomereasons:keyCompromise": "for some reasons only; give the full one",
	"indirectCRL:TRUE": "is an indirect one",
}


def check(gateway):
	done = subprocess.run([cathgated(), "--check", "--config", gateway.config],
			      capture_output=True, text=True)
	return done.returncode, done.stdout + done.stderr


def swap(extensions):
	ca.crl("next.crl", extensions)
	os.replace(t.pki / "next.crl", t.pki / "live.crl")


with Test() as t:
	shutil.copytree(t.pki, t.work / "tls")
	t.pki = t.work / "tls"
	ca = Authority(t.pki, "device-ca")
	for name in ("device", "stolen"):
		ca.issue(name, AT_POINT)
	swap("")
	gateway = t.gateway(t.pacs(), {
		"listen.0.tls": {"certificate": f"{t.pki}/gateway.crt", "key": f"{t.pki}/gateway.key",
				 "ca": f"{t.pki}/device-ca.crt", "crl": f"{t.pki}/live.crl"},
		"modalities.0.certificate.sha256": [fingerprint(t.pki / "device.crt"),
						    fingerprint(t.pki / "stolen.crt")],
		})
	modality = t.associate(gateway, "device")
	assert modality.store(make("explicit")).status == 0

	# With a distribution point; then of users only: both leave the good one in.
	for turn, extensions in enumerate((POINT, "issuingDistributionPoint=critical,onlyuser:TRUE")):
		swap(extensions)
		gateway.wait_audit_beyond(turn, event="reload", outcome="done")
		assert modality.store(make("explicit")).status == 0
		t.associate(gateway, "device").release()
		assert not t.is_refused(gateway, "stolen")
	status, text = check(gateway)
	assert status == 0, text

	# And they are asked: who is on such a one is out.
	ca.revoke("stolen")
	swap(POINT)
	gateway.wait_audit_beyond(2, event="reload", outcome="done")
	assert t.is_refused(gateway, "stolen")
	gateway.wait_audit(event="association", outcome="refused", reason="tls-revoked")
	status, text = check(gateway)
	assert status == 0 and "name its distribution point" in text, text

	# What no handshake could use is told, with what to give instead, and does nothing.
	for scope, told in USELESS.items():
		swap(f"issuingDistributionPoint = critical, {scope}")
		status, text = check(gateway)
		assert status == 1 and told in text, (scope, text)
		assert told in gateway.reload(outcome="refused"), scope
		assert modality.store(make("explicit")).status == 0
		t.associate(gateway, "device").release()
		assert t.is_refused(gateway, "stolen")
