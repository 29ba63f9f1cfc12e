"""Goal: `cathgate modality renew --confirm` ends no certificate before the new one was seen in
a handshake; a renewal is made as the certificate before it; and what `revoke` has shut out
comes back in no way: not the certificate, nor its key in another certificate or request."""
import subprocess

from authority import LEAF, Authority
from harness import Test
from site_setup import Device, Site

CLIENT = "extendedKeyUsage = clientAuth\n"


def openssl(*arguments):
	return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True,
			      text=True).stdout


def is_rsa(path):
	return "rsaEncryption" in openssl("x509", "-in", path, "-noout", "-text")


def is_legacy(store):
	said = subprocess.run(["openssl", "pkcs12", "-in", store, "-info", "-noout", "-legacy",
			       "-passin", "pass:wrong"], capture_output=True, text=True).stderr
	return "sha1" in said.lower()


def the_private_cas(t, site):
	old, new = t.work / "old", t.work / "new"
	site.modality("add", "angio", "--ae-title", "ANGIO", "--pem", "--output", old)
	site.start()
	assert Device(old, "angio").associates(site)
	site.modality("renew", "angio", "--pem", "--output", new)
	site.reload()
	before = site.snapshot()
	said = site.modality("renew", "angio", "--confirm", status=1)
	assert "has not shown its new certificate" in said and "--now" in said, said
	assert site.snapshot() == before
	assert Device(old, "angio").associates(site), "the device is locked out"
	assert Device(new, "angio").associates(site)
	site.modality("renew", "angio", "--confirm")
	site.reload()
	assert not Device(old, "angio").associates(site)
	assert Device(new, "angio").associates(site)
	site.modality("renew", "angio", "--confirm")	# there is nothing left to end
	site.modality("renew", "angio", "--pem", "--output", t.work / "third")
	site.modality("renew", "angio", "--confirm", "--now")
	site.reload()
	assert not Device(new, "angio").associates(site)
	assert Device(t.work / "third", "angio").associates(site)


def its_own(t, site, hospital):
	"""Bound by SHA-256: a handshake that was refused for another reason shows it as well."""
	for name in ("own", "own-2"):
		hospital.issue(name, CLIENT)
	hospital.crl("hospital.crl")
	with open(site.tls / "modalities-ca.crt", "ab") as trusted:
		trusted.write((hospital.folder / "hospital.crt").read_bytes())
	with open(site.tls / "modalities.crl", "ab") as crls:
		crls.write((hospital.folder / "hospital.crl").read_bytes())
	first, second = (hospital.folder / f"{name}.crt" for name in ("own", "own-2"))
	site.modality("add", "own", "--ae-title", "OWN", "--certificate", first,
		      "--output", t.work / "own")
	said = site.modality("renew", "own", "--certificate", first, "--output", t.work / "same",
			     status=1)
	assert "has already" in said, said
	site.modality("renew", "own", "--certificate", second, "--output", t.work / "own-2")
	site.reload()
	assert "has not shown" in site.modality("renew", "own", "--confirm", status=1)
	device = Device(t.work / "own-2", "own", ae_title="WRONG", pair=hospital.folder / "own-2")
	assert not device.associates(site)
	site.wait_audit(reason="ae-unknown", calling_ae="WRONG")
	site.modality("renew", "own", "--confirm")


def what_is_remembered(t, site):
	site.modality("add", "aged", "--ae-title", "AGED", "--legacy", "--pem",
		      "--output", t.work / "aged")
	said = site.modality("renew", "aged", "--output", t.work / "aged-2")
	assert "Made like the last one: --legacy" in said, said
	for folder in ("aged", "aged-2"):
		assert is_legacy(t.work / folder / "aged.p12"), folder
		assert is_rsa(t.work / folder / "aged.crt"), folder
	site.modality("renew", "aged", "--ec", "--pem", "--output", t.work / "aged-3")
	assert not is_legacy(t.work / "aged-3/aged.p12")
	assert not is_rsa(t.work / "aged-3/aged.crt")
	# A copy that an earlier version has kept says nothing of it.
	site.modality("add", "rsa", "--ae-title", "RSA", "--rsa", "--output", t.work / "rsa")
	for copy in (site.folder / "ca/certificates").iterdir():
		copy.write_text(copy.read_text().split("\n", 1)[1])
	site.modality("renew", "rsa", "--pem", "--output", t.work / "rsa-2")
	assert is_rsa(t.work / "rsa-2/rsa.crt")


def make_request(t, name):
	openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=any",
		"-keyout", t.work / f"{name}.key", "-out", t.work / f"{name}.csr")
	return t.work / f"{name}.csr"


def its_own_key(t, site):
	first = make_request(t, "first")
	site.modality("add", "keeper", "--ae-title", "KEEPER", "--request", first,
		      "--output", t.work / "keeper")
	said = site.modality("renew", "keeper", "--output", t.work / "keeper-2", status=1)
	assert "--request" in said and not (t.work / "keeper-2").exists(), said
	site.modality("renew", "keeper", "--request", first, "--output", t.work / "keeper-2")
	site.modality("revoke", "keeper")
	said = site.modality("renew", "keeper", "--request", first, "--output",
			     t.work / "keeper-3", status=1)
	assert "this key was shut out" in said, said
	assert site.listed()["keeper"]["state"] == "revoked"
	site.modality("renew", "keeper", "--request", make_request(t, "second"), "--output",
		      t.work / "keeper-3")
	assert site.listed()["keeper"]["state"] == "good"


def what_was_revoked(t, site, hospital):
	"""also of a CA whose CRL is not ours."""
	second = hospital.folder / "own-2.crt"
	site.modality("revoke", "own")
	kept = (hospital.folder / "hospital.crl").read_bytes()
	site.modality("crl")
	assert kept in (site.tls / "modalities.crl").read_bytes(), "the hospital's CRL is gone"
	assert (site.tls / "modalities.crl").read_bytes().count(b"BEGIN X509 CRL") == 2
	site.checked()
	before = site.snapshot()
	hospital.sign("own-2", LEAF + CLIENT, ["-cert", "hospital.crt"], -3600, 86400)
	again = hospital.folder / "again.crt"
	again.write_bytes(second.read_bytes())		# the same key, another certificate
	for verb, name, what in (("renew", "own", again), ("add", "other", again)):
		title = ["--ae-title", "OTHER"] if verb == "add" else []
		said = site.modality(verb, name, *title, "--certificate", what, "--output",
				     t.work / "back", status=1)
		assert "was shut out" in said and "ca/revoked" in said, said
	assert site.snapshot() == before and not (t.work / "back").exists()
	revoked = site.folder / "ca/revoked"
	assert revoked.stat().st_mode & 0o077 == 0
	revoked.write_text("".join(line for line in revoked.read_text().splitlines(True)
				   if not line.endswith(" own\n")))
	site.modality("renew", "own", "--certificate", again, "--output", t.work / "back")


def what_contradicts_itself(site):
	for options, says in ((["--confirm", "--legacy"], "makes nothing"),
			      (["--ec", "--rsa"], "say one"),
			      (["--request", "x", "--pem"], "stays in the modality")):
		assert says in site.modality("renew", "aged", *options, status=2), options


with Test() as t:
	site = Site(t, "etc")
	folder = t.work / "hospital"
	folder.mkdir()
	hospital = Authority(folder, "hospital")
	the_private_cas(t, site)
	its_own(t, site, hospital)
	what_is_remembered(t, site)
	its_own_key(t, site)
	what_was_revoked(t, site, hospital)
	what_contradicts_itself(site)
