"""Goal: `cathgate modality renew` of a revoked modality leaves it in or out, whole: a configuration
in which its entry has no place, or a step that fails, leaves it out; a reload that fails leaves the
new certificate in. What was revoked by its key alone stays out, too. A gateway whose certificate
has no name hands out a stunnel.conf all the same."""
import pathlib
import re
import subprocess

import dicom
from harness import ROOT, Test
from site_setup import Device, Site


def openssl(*arguments):
	return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True,
			      text=True).stdout


def self_signed(name, key=None, extension="subjectAltName=DNS:x.test"):
	"""A device's own pair."""
	pair = t.work / name
	made = ["-key", key] if key else ["-newkey", "rsa:2048", "-nodes", "-keyout", f"{pair}.key"]
	openssl("req", "-x509", *made, "-subj", f"/CN={name}", "-days", "30", "-addext", extension,
		"-addext", "extendedKeyUsage=clientAuth,serverAuth", "-addext",
		"basicConstraints=critical,CA:FALSE", "-out", f"{pair}.crt")
	return pair


def is_out(site, name):
	entry = site.folder / "modalities.d" / f"{name}.conf"
	return not entry.exists() and pathlib.Path(f"{entry}.revoked").exists()


def entry_without_a_place(site):
	"""Its AE title is another's meanwhile."""
	site.modality("add", "angio", "--ae-title", "ANGIO", "--pem", "--output", t.work / "angio")
	site.modality("revoke", "angio")
	site.modality("add", "other", "--ae-title", "ANGIO", "--dns", "other.test", "--output",
		      t.work / "other")
	entry = site.folder / "modalities.d/angio.conf.revoked"
	whole = entry.read_text()
	entry.write_text(whole.replace('destination = "pacs"', 'destination = "gone"'))
	before = site.snapshot()
	said = site.modality("renew", "angio", "--output", t.work / "angio-2", status=1)
	assert "gone" in said, said
	assert site.snapshot() == before and is_out(site, "angio")
	assert site.modality("list")
	entry.write_text(whole)
	(t.work / "full").mkdir()
	(t.work / "full/file").touch()
	before = site.snapshot()
	site.modality("renew", "angio", "--output", t.work / "full", status=1)
	assert site.snapshot() == before and is_out(site, "angio")
	site.modality("remove", "other")


def reload_that_fails(site):
	"""Nobody answers: the new one is handed out, and counts at the next start."""
	said = site.modality("renew", "angio", "--output", t.work / "angio-3", "--reload", status=1)
	assert "what was written stays" in said, said
	assert not is_out(site, "angio")
	site.start()
	assert Device(t.work / "angio-3", "angio").associates(site)
	assert not Device(t.work / "angio", "angio").associates(site)
	site.stop()


def revoked_by_its_key(site):
	own = self_signed("own")
	again = self_signed("again", key=f"{own}.key")
	pin = openssl("x509", "-in", f"{own}.crt", "-pubkey", "-noout")
	der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=pin.encode(),
			     check=True, capture_output=True).stdout
	digest = subprocess.run(["sha256sum"], input=der, check=True, capture_output=True).stdout[:64]
	for pair in (own, again):
		with open(site.tls / "modalities-ca.crt", "a") as ca:
			ca.write(pathlib.Path(f"{pair}.crt").read_text())
	entry = site.folder / "modalities.d/pinned.conf"
	entry.write_text('name = "pinned";\nae_titles = [ "PINNED" ];\n'
			 'called_ae_titles = [ "CATHGATE" ];\n'
			 f'certificate: {{ public_key_sha256 = [ "{digest.decode()}" ]; }}\n'
			 'destination = "pacs";\n')
	site.modality("revoke", "pinned")
	said = site.modality("add", "back", "--ae-title", "BACK", "--certificate", f"{again}.crt",
			     "--output", t.work / "back", status=1)
	assert "this key was shut out" in said, said


def gateway_without_a_name(site):
	pair = self_signed("nameless", extension="keyUsage=digitalSignature")
	for ending in ("crt", "key"):
		(site.tls / f"gateway.{ending}").write_bytes(pathlib.Path(f"{pair}.{ending}").read_bytes())
	site.edit('{ address = "127.0.0.1"; port = 0;', '{ socket = "dicom-tls";')
	site.modality("add", "plain", "--ae-title", "PLAIN", "--pem", "--output", t.work / "plain")
	assert "HOST-OF-THE-GATEWAY" in (t.work / "plain/stunnel.conf").read_text()


def while_two_cas_are_trusted(site):
	"""The private CA is changed as docs/ADMIN.md says. Its CRL is silent about the old one's."""
	folders = [t.work / f"two-{number}" for number in range(3)]
	site.modality("add", "two", "--ae-title", "TWO", "--pem", "--output", folders[0])
	site.modality("add", "early", "--ae-title", "EARLY", "--output", t.work / "early")
	site.modality("add", "lost", "--ae-title", "LOST", "--pem", "--output", t.work / "lost")
	site.modality("revoke", "lost")
	site.modality("remove", "lost")
	after = Site(t, "after")
	crls = site.tls / "modalities.crl"
	(site.tls / "old.crl").write_bytes(crls.read_bytes())
	site.edit('crl = "tls/modalities.crl";', 'crl = [ "tls/modalities.crl", "tls/old.crl" ];')
	with open(site.tls / "modalities-ca.crt", "a") as trusted:
		trusted.write((after.folder / "ca/ca.crt").read_text())
	crls.write_bytes((after.tls / "modalities.crl").read_bytes())
	old = site.folder / "ca.old"
	(site.folder / "ca").rename(old)
	(after.folder / "ca").rename(site.folder / "ca")
	for copy in (old / "certificates").iterdir():
		(site.folder / "ca/certificates").mkdir(exist_ok=True)
		(site.folder / "ca/certificates" / copy.name).write_bytes(copy.read_bytes())
	(site.folder / "ca/revoked").write_bytes((old / "revoked").read_bytes())

	site.modality("renew", "two", "--pem", "--output", folders[1])
	site.start()
	first, second = (Device(folder, "two") for folder in folders[:2])
	assert first.associates(site) and second.associates(site)
	said = site.modality("renew", "two", "--confirm")
	assert "is of another CA" in said and "has one certificate" not in said, said
	assert site.listed()["two"]["state"] == "renewed, old still allowed"
	site.modality("revoke", "two")
	site.modality("renew", "two", "--pem", "--output", folders[2])
	site.reload()
	assert Device(folders[2], "two").associates(site)
	assert not first.associates(site), "the old CA's certificate has the name still"
	assert not second.associates(site)
	# The old CA goes. Who has none of the new one's is named.
	site.modality("add", "late", "--ae-title", "LATE", "--pem", "--output", t.work / "late")
	site.modality("renew", "two", "--pem", "--output", t.work / "two-3")
	bundle = site.tls / "modalities-ca.crt"
	first, new, hospital = (path.read_text() for path in (
		old / "ca.crt", site.folder / "ca/ca.crt", t.pki / "hospital-ca.crt"))
	bundle.write_text(first)
	assert site.listed()["late"]["state"] == "certificate refused"
	# As docs/ADMIN.md has it, the hospital's CA stays.
	bundle.write_text(hospital + first + new)
	command = re.search(r"^    (perl .*?modalities-ca\.crt)$", (ROOT / "docs/ADMIN.md").read_text(),
			    re.M | re.S)[1]
	subprocess.run(["sh", "-ec", command], cwd=site.folder, check=True)
	assert bundle.read_text() == hospital + new
	states = {name: entry["state"] for name, entry in site.listed().items()}
	assert states == {"two": "renewed, old still allowed", "late": "good",
			  "early": "certificate refused"}, states
	said = site.modality("renew", "two", "--confirm", "--now")
	assert "has one certificate" in said, said
	site.stop()
	# What no name in an entry stands for, as of the hospital's CA.
	said = site.modality("add", "foreign", "--ae-title", "FOREIGN", "--uri",
			     "urn:uuid:7f2c3c1e-5d0f-4a57-9d4b-0f3f5f1c2a11", "--output",
			     t.work / "foreign", status=2)
	assert "the gateway's own CA gives" in said, said


with Test() as t:
	site = Site(t, "etc", pacs_port=t.pacs().port)
	while_two_cas_are_trusted(Site(t, "before", pacs_port=104))
	entry_without_a_place(site)
	reload_that_fails(site)
	revoked_by_its_key(site)
	gateway_without_a_name(site)
