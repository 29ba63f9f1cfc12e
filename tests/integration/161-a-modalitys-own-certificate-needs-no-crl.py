"""Goal: beside a CA with a CRL, `ca` may hold a modality's self-signed certificate, and one
whose CA isn't at hand where an entry names its SHA-256: each is believed as itself alone, needs
no CRL, and stops no later revocation. So with a PACS."""
import os
import shutil

from authority import Authority, self_signed
from config import fingerprint
from harness import Test
from objects import make

CLIENT = "extendedKeyUsage = clientAuth"


def swap():
	ca.crl("next.crl")
	os.replace(t.pki / "next.crl", t.pki / "live.crl")


def named(*names):
	return {**settings, "modalities.0.certificate.sha256":
		[fingerprint(t.pki / f"{name}.crt") for name in names]}


with Test() as t:
	shutil.copytree(t.pki, t.work / "tls")
	t.pki = t.work / "tls"
	ca, elsewhere = Authority(t.pki, "device-ca"), Authority(t.pki, "vendor-ca")
	for name in ("device", "stolen"):
		ca.issue(name, CLIENT)
	elsewhere.issue("vendors", CLIENT)
	elsewhere.issue("vendors-other", CLIENT)
	Authority(t.pki, "vendors").issue("by-vendors", CLIENT)
	self_signed(t.pki, "selfmade")
	self_signed(t.pki, "openssls", "basicConstraints = critical, CA:TRUE")
	self_signed(t.pki, "own-pacs", "basicConstraints = critical, CA:TRUE\n"
		    "subjectAltName = DNS:pacs.test")
	(t.pki / "all.crt").write_text("".join(
		(t.pki / f"{name}.crt").read_text()
		for name in ("device-ca", "vendors", "selfmade", "openssls")))
	(t.pki / "pacs-trust.crt").write_text(
		(t.pki / "hospital-ca.crt").read_text() + (t.pki / "own-pacs.crt").read_text())
	swap()
	pacs = t.pacs(certificate="own-pacs")
	settings = {
		"listen.0.tls": {"certificate": f"{t.pki}/gateway.crt", "key": f"{t.pki}/gateway.key",
				 "ca": f"{t.pki}/all.crt", "crl": f"{t.pki}/live.crl"},
		"destinations.0.tls.ca": f"{t.pki}/pacs-trust.crt",
		"destinations.0.tls.crl": f"{t.pki}/hospital.crl"}
	everybody = ("device", "stolen", "vendors", "selfmade", "openssls")
	gateway = t.gateway(pacs, named(*everybody))
	for name in everybody:
		modality = t.associate(gateway, name)
		assert modality.store(make("explicit")).status == 0, name
		modality.release()
	for name in ("vendors-other", "by-vendors"):
		assert t.is_refused(gateway, name), name
		gateway.wait_audit(event="association", outcome="refused", reason="tls-untrusted")
	open_one = t.associate(gateway, "stolen")

	# A revocation comes through, by a file that changes and by a reload.
	ca.revoke("stolen")
	swap()
	gateway.wait_audit(event="reload", outcome="done")
	assert open_one.store(make("explicit")).status == 0x0124
	assert t.is_refused(gateway, "stolen")
	gateway.reload(named(*everybody))

	# Who isn't named any more is out, and that stops no reload either.
	modality = t.associate(gateway, "vendors")
	gateway.reload(named("device", "selfmade"))
	assert modality.store(make("explicit")).status == 0x0124
	assert t.is_refused(gateway, "vendors")
	assert "no entry names its SHA-256" in gateway.log()
	for name in ("device", "selfmade"):
		t.associate(gateway, name).release()
