"""Goal: CRLs of one name by different keys (a CA that took a new key), or about different
certificates (users, CAs, a distribution point), stand in for none of the others: one that is
stale stops no start, refuses its own with the right word, and ends what is open. Of one series
the CRL that began last speaks, however long an older one lasts."""
import os
import shutil
import subprocess

import authority
from authority import AUTHORITY, DAY, FIRST, LAST, Authority
from config import fingerprint
from harness import Test, cathgated, eventually
from objects import make

CLIENT = "extendedKeyUsage = clientAuth\n"
USERS, CAS = (f"issuingDistributionPoint = critical, {only}:TRUE" for only in ("onlyuser", "onlyCA"))
STALE = {"first": -9 * DAY, "last": -DAY}
KEYID = "authorityKeyIdentifier = keyid"


def settings(ca, crls, names):
	return {"listen.0.tls": {"certificate": f"{t.pki}/gateway.crt",
				 "key": f"{t.pki}/gateway.key", "ca": f"{t.pki}/{ca}",
				 "crl": [f"{t.pki}/{crl}" for crl in crls]},
		"modalities.0.certificate.sha256": [fingerprint(t.pki / f"{name}.crt")
						    for name in names]}


def try_it(ca, crls, **wanted):
	"""Of each certificate the reason for which it is refused, None for none; --check knows of
	stale ones."""
	gateway = t.gateway(t.pacs(), settings(ca, crls, wanted))
	for name, reason in wanted.items():
		assert t.is_refused(gateway, name) == (reason is not None), (crls, name)
		if reason:
			line = gateway.wait_audit(event="association", outcome="refused")
			assert line["reason"] == reason and f"CN={name}" in line["detail"], line
	checked = subprocess.run([cathgated(), "--check", "--config", gateway.config],
				 capture_output=True, text=True)
	assert ("went stale" in checked.stderr) == ("tls-crl-stale" in wanted.values()), checked


def rekeyed(extension, kind):
	"""The CA "x" with two keys, and a CRL by each. Of a signature by the other key OpenSSL
	says more for one kind than for another."""
	for key in ("old", "new"):
		for rest in (*t.pki.glob("x.*"),):
			rest.unlink()
		x = Authority(t.pki, "x", kind=kind)
		x.sign("x", AUTHORITY + "subjectKeyIdentifier = hash\n", ["-selfsign"], FIRST, LAST)
		x.issue(f"by-{key}", CLIENT)
		x.crl(f"{key}.crl", extension)
		x.crl(f"{key}-stale.crl", extension, **STALE)
		shutil.copy(t.pki / "x.crt", t.pki / f"x-{key}.crt")
	(t.pki / "both.crt").write_text((t.pki / "x-old.crt").read_text() +
					(t.pki / "x-new.crt").read_text())


with Test() as t:
	shutil.copytree(t.pki, t.work / "tls")
	t.pki = t.work / "tls"
	for extension, kind in (("", "RSA"), ("", "P-256"), (KEYID, "P-256")):
		rekeyed(extension, kind)
		options = {"by-old": None, "by-new": None}
		try_it("both.crt", ["old.crl", "new.crl"], **options)
		try_it("both.crt", ["old-stale.crl", "new.crl"], **{**options, "by-old": "tls-crl-stale"})
		try_it("both.crt", ["old.crl", "new-stale.crl"], **{**options, "by-new": "tls-crl-stale"})

	ca = Authority(t.pki, "device-ca")
	authority.POINT += "\n[ other ]\nfullname = URI:http://ca.example/others.crl\n"
	ca.issue("device", CLIENT)
	ca.issue("one", CLIENT + "crlDistributionPoints = URI:http://ca.example/devices.crl")
	ca.issue("two", CLIENT + "crlDistributionPoints = URI:http://ca.example/others.crl")
	ca.crl("full.crl")
	ca.crl("users.crl", USERS)
	ca.crl("users-stale.crl", USERS, **STALE)
	ca.crl("cas.crl", CAS)
	ca.crl("one.crl", "issuingDistributionPoint = critical, @point", **STALE)
	ca.crl("two.crl", "issuingDistributionPoint = critical, @other")
	try_it("device-ca.crt", ["users-stale.crl", "cas.crl"], device="tls-crl-stale")
	try_it("device-ca.crt", ["one.crl", "two.crl"], one="tls-crl-stale", two=None)

	# One of them that ends soon is told of.
	ca.crl("one.crl", "issuingDistributionPoint = critical, @point", last=2 * DAY)
	gateway = t.gateway(t.pacs(), settings("device-ca.crt", ["one.crl", "two.crl"], ["one"]))
	assert "one.crl: the CRL of CN=device-ca ends" in gateway.wait_audit(event="alert")["detail"]

	# The users' CRL stays in force until the next one is valid, and ends what is open.
	ca.issue("child", AUTHORITY, base="")
	Authority(t.pki, "child").crl("child.crl")
	(t.pki / "chain.crt").write_text((t.pki / "device-ca.crt").read_text() +
					 (t.pki / "child.crt").read_text())
	gateway = t.gateway(t.pacs(), settings("chain.crt", ["users.crl", "cas.crl", "child.crl"],
						["device"]))
	open_one = t.associate(gateway, "device")
	ca.crl("next.crl", USERS, first=DAY, last=9 * DAY)
	os.replace(t.pki / "next.crl", t.pki / "users.crl")
	gateway.wait_log("stays in force until then")
	assert open_one.store(make("explicit")).status == 0
	assert not t.is_refused(gateway, "device")
	ca.crl("next.crl", USERS, last=4)
	os.replace(t.pki / "next.crl", t.pki / "users.crl")
	eventually(lambda: open_one.store(make("explicit")).status == 0x0124)
	assert t.is_refused(gateway, "device")
	gateway.wait_audit(event="association", outcome="refused", reason="tls-crl-stale")

	# The newer one is stale, and has a revocation that the older one lacks.
	ca.issue("stolen", CLIENT)
	ca.crl("older.crl", first=-5 * DAY)
	ca.revoke("stolen")
	ca.crl("newer.crl", first=-2 * DAY, last=-3600)
	try_it("device-ca.crt", ["older.crl", "newer.crl"], stolen="tls-crl-stale")

	# Nor does the older one come back while the newer one's successor isn't valid yet.
	ca.crl("live.crl", first=-DAY)
	gateway = t.gateway(t.pacs(), settings("device-ca.crt", ["older.crl", "live.crl"],
						["stolen", "device"]))
	ca.crl("next.crl", first=DAY)
	os.replace(t.pki / "next.crl", t.pki / "live.crl")
	gateway.wait_log("stays in force until then")
	t.associate(gateway, "device").release()
	assert t.is_refused(gateway, "stolen")
	gateway.wait_audit(event="association", outcome="refused", reason="tls-revoked")
