"""Goal: `cathgate certificate renew --rsa` gives a gateway with EC keys RSA ones, and --ec the
other way round, with a keyUsage that fits; `certificate add` makes the other kind beside it, its
lines work, and `renew` then renews both. Keys that nobody may replace, and certificates of another
CA, are told with what to do, and its command works."""
import os
import re
import shutil
import subprocess

from authority import Authority
from harness import Test, eventually
from site_setup import Device, Site, run

USAGE = {"EC": "Digital Signature", "RSA": "Digital Signature, Key Encipherment"}


def openssl(*arguments):
	return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True,
			      text=True).stdout


def kind(path):
	text = openssl("x509", "-in", path, "-noout", "-text")
	found = "RSA" if "rsaEncryption" in text else "EC"
	bits = re.search(r"Public-Key: \((\d+) bit", text)[1]
	assert re.search(r"X509v3 Key Usage: critical\n +(.*)\n", text)[1] == USAGE[found], text
	assert openssl("x509", "-in", path, "-noout", "-pubkey") == \
		openssl("pkey", "-in", path.with_suffix(".key"), "-pubout"), path
	assert "CA:FALSE" in text and "DNS:gw.test" in text, text
	return f"{found} {bits}"


def kinds(site):
	return [kind(site.tls / f"{name}.crt") for name in ("gateway", "gateway-client")]


def certificate(site, verb, *arguments, status=0):
	done = run("certificate", verb, *arguments, "--config", site.config)
	assert done.returncode == status, (verb, arguments, done.stdout, done.stderr)
	return done.stdout if status == 0 else done.stderr


def refuses(site, words, verb, *arguments, status=2):
	before = site.snapshot()
	said = certificate(site, verb, *arguments, status=status)
	assert words in said, said
	assert site.snapshot() == before
	return said


def one_kind_after_the_other():
	site = Site(t, "replaced")
	assert kinds(site) == ["EC 256"] * 2
	certificate(site, "renew", "--rsa")
	assert kinds(site) == ["RSA 2048"] * 2
	site.checked()
	certificate(site, "renew", "--rsa=3072")
	certificate(site, "renew")
	assert kinds(site) == ["RSA 3072"] * 2, "as it was"
	certificate(site, "renew", "--ec")
	assert kinds(site) == ["EC 256"] * 2
	site.checked()
	for arguments, words in ((["--rsa=1024"], "no size"), (["--rsa=2048x"], "no size"),
				 (["--rsa", "--keep-key"], "exclude each other"),
				 (["--rsa", "--ec"], "exclude each other"),
				 (["--ec", "--keep-key"], "exclude each other")):
		refuses(site, words, "renew", *arguments)
	shutil.copy(site.tls / "gateway.crt", site.tls / "same.crt")
	site.edit('"tls/gateway-client.crt"', '"tls/same.crt"')
	site.edit('"tls/gateway-client.key"', '"tls/gateway.key"')
	refuses(site, "have the same key: give each its own", "renew", "--rsa")


def both_side_by_side():
	site = Site(t, "both")
	said = site.modality("add", "old", "--ae-title", "OLD", "--legacy", "--pem",
			     "--output", t.work / "old")
	assert "certificate add" in said and "renew --rsa" in said, said
	site.start()
	device = Device(t.work / "old", "old")
	# So it is for a device that knows RSA alone.
	device.context.maximum_version = 0x0303
	device.context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
	assert not refused_by(site, device)

	said = certificate(site, "add")
	assert kind(site.tls / "gateway-rsa.crt") == "RSA 2048", said
	for ending, mode in (("crt", 0o640), ("key", 0o600)):
		path = site.tls / f"gateway-rsa.{ending}"
		assert path.stat().st_mode & 0o777 == mode, path
	refuses(site, "gateway-rsa.key is there already", "add")
	place = re.search(r"tls of line (\d+) of (\S+) write:\n  (.*)\n  (.*)\n", said)
	assert place[2] == str(site.config) and \
		"tls: {" in site.config.read_text().splitlines()[int(place[1]) - 1], said
	site.edit('certificate = "tls/gateway.crt";', place[3])
	site.edit('key = "tls/gateway.key";', place[4])
	site.checked()
	line = site.reload()
	assert "(RSA 2048) added" in line["detail"] and "EC 256" not in line["detail"], line
	assert device.associates(site)
	assert "has two certificates already" in certificate(site, "add")
	# It is warned of no more, and the page names what both names.
	said = site.modality("add", "older", "--ae-title", "OLDER", "--legacy", "--pem",
			     "--output", t.work / "older")
	assert "EC certificate alone" not in said, said
	assert sorted(path.name for path in (t.work / "older").glob("ca*")) == ["ca.crt"]

	# Each is renewed as it is, and the gateway says so of each.
	before = {name: (site.tls / f"{name}.crt").read_bytes() for name in ("gateway", "gateway-rsa")}
	reloads = len(site.audit(event="reload"))
	certificate(site, "renew")
	assert kind(site.tls / "gateway.crt") == "EC 256"
	assert kind(site.tls / "gateway-rsa.crt") == "RSA 2048"
	for name, was in before.items():
		assert (site.tls / f"{name}.crt").read_bytes() != was, name
	site.wait_audit_beyond(reloads, event="reload", outcome="done")
	renewed = lambda: "".join(line["detail"] for line in site.audit(event="reload")[reloads:])
	eventually(lambda: "(RSA 2048) renewed" in renewed() and "(EC 256) renewed" in renewed())
	assert device.associates(site)
	refuses(site, "keeps its own", "renew", "--rsa")
	refuses(site, "keeps its own", "renew", "--ec")

	# And towards the PACS.
	if os.geteuid() == 0:	# it is the service's user's, as the other one is
		os.chown(site.tls / "gateway-client.key", 65534, 65533)
	said = certificate(site, "add", "--destination", "pacs", "--rsa=3072")
	owner, new = (os.stat(site.tls / f"gateway-client{more}.key") for more in ("", "-rsa"))
	assert (owner.st_uid, owner.st_gid, owner.st_mode) == (new.st_uid, new.st_gid, new.st_mode)
	assert kind(site.tls / "gateway-client-rsa.crt") == "RSA 3072" and "gateway-client" in said
	assert refuses(site, "there is no destination", "add", "--destination", "none")


def refused_by(site, device):
	"""Whether it gets in; a device without a cipher in common gets an alert."""
	try:
		return device.associates(site)
	except OSError:
		site.wait_audit(reason="tls-no-common")
		return False


def two_of_two_authorities():
	"""Then a modality must trust both, and is told so."""
	site = Site(t, "authorities")
	hospital = Authority(t.work, "other-ca")
	hospital.issue("other", "extendedKeyUsage = serverAuth\nsubjectAltName = DNS:gw.test",
		       kind="RSA")
	for ending in ("crt", "key"):
		shutil.copy(t.work / f"other.{ending}", site.tls / f"other.{ending}")
	(site.tls / "other.key").chmod(0o600)
	site.edit('certificate = "tls/gateway.crt";',
		  'certificate = [ "tls/gateway.crt", "tls/other.crt" ];')
	site.edit('key = "tls/gateway.key";', 'key = [ "tls/gateway.key", "tls/other.key" ];')
	said = site.modality("add", "one", "--ae-title", "ONE", "--pem", "--output", t.work / "one")
	assert "CN=other-ca" in said and "ca-2.crt" in said, said
	assert sorted(path.name for path in (t.work / "one").glob("ca*")) == ["ca-all.crt", "ca.crt"]
	# The CA is at hand once it stands behind the certificate.
	with open(site.tls / "other.crt", "a", encoding="ascii") as file:
		file.write((t.work / "other-ca.crt").read_text())
	said = site.modality("add", "two", "--ae-title", "TWO", "--pem", "--output", t.work / "two")
	assert "isn't at hand" not in said, said
	for file, ca in (("ca", site.folder / "ca/ca.crt"), ("ca-2", t.work / "other-ca.crt")):
		assert openssl("x509", "-in", t.work / f"two/{file}.crt", "-noout", "-fingerprint") == \
			openssl("x509", "-in", ca, "-noout", "-fingerprint"), file
	assert "CAfile = ca-all.crt" in (t.work / "two/stunnel.conf").read_text()
	assert "ca-all.crt" in (t.work / "two/two.txt").read_text()
	for name in ("gateway", "other"):
		openssl("verify", "-CAfile", t.work / "two/ca-all.crt", site.tls / f"{name}.crt")
	# The private CA's own is renewed, the other one is left to its CA.
	said = certificate(site, "renew", status=1)
	assert "other.crt isn't of this gateway's private CA" in said, said


def of_another_ca():
	site = Site(t, "foreign")
	ca = Authority(t.work, "foreign-ca")
	ca.issue("foreign", "extendedKeyUsage = serverAuth\nsubjectAltName = DNS:gw.test")
	for ending in ("crt", "key"):
		shutil.copy(t.work / f"foreign.{ending}", site.tls / f"gateway.{ending}")
	before = (site.tls / "gateway.crt").read_bytes()
	said = certificate(site, "renew", "--rsa", status=1)
	assert (site.tls / "gateway.crt").read_bytes() == before
	assert kind(site.tls / "gateway-client.crt") == "RSA 2048"
	command = said[said.index("openssl genpkey"):].split("\n")[0]
	subprocess.run(["sh", "-ec", f"{command} -out {t.work}/new.csr"], check=True,
		       capture_output=True)
	request = openssl("req", "-in", t.work / "new.csr", "-noout", "-verify", "-text")
	assert "rsaEncryption" in request and "DNS:gw.test" in request, request
	assert "CN = foreign" in request.replace("CN=", "CN = "), request
	refuses(site, "isn't of this gateway's private CA", "add", status=1)


with Test() as t:
	one_kind_after_the_other()
	both_side_by_side()
	two_of_two_authorities()
	of_another_ca()
