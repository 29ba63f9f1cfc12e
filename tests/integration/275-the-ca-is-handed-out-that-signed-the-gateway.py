"""Goal: a modality gets the CA that really vouches for the gateway's certificate, from
`cathgate modality add` and `renew` alike; where that CA isn't at hand, the admin is told
which one is missing."""
import re
import ssl
import subprocess

from authority import LEAF, Authority
from harness import Test
from site_setup import Device, Site

SERVER = LEAF + "extendedKeyUsage = serverAuth\nsubjectAltName = DNS:gateway.test\n"


def openssl(*arguments):
	return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True,
			      text=True).stdout


def signed_by_hospital(t, site, root, issuing):
	"""As the hospital's CA returns it: with the intermediate behind it."""
	(root.folder / "gateway.csr").write_bytes((site.tls / "gateway.csr").read_bytes())
	issuing.sign("gateway", SERVER, ["-cert", "issuing.crt"], -3600, 86400 * 90)
	(site.tls / "gateway.crt").write_bytes((root.folder / "gateway.crt").read_bytes() +
					       (root.folder / "issuing.crt").read_bytes())


def add(t, site, name, *options):
	folder = t.work / name
	said = site.modality("add", name, "--ae-title", name.upper(), "--output", folder,
			     *(options or ["--pem"]))
	return folder, said


def the_private_ca_signed(t, site):
	folder, said = add(t, site, "private")
	assert (folder / "ca.crt").read_bytes() == (site.folder / "ca/ca.crt").read_bytes()
	assert "isn't at hand" not in said


def the_root_is_away(t, site):
	folder, said = add(t, site, "away")
	assert "CN=root" in said.replace("CN = ", "CN=") and "isn't at hand" in said, said
	assert not (folder / "ca.crt").exists(), "a CA that the gateway isn't of"
	assert "ask the administrator" in (folder / "away.txt").read_text()


def the_root_is_at_hand(t, site, root):
	with open(site.tls / "pacs-ca.crt", "ab") as pacs_ca:
		pacs_ca.write((root.folder / "root.crt").read_bytes())
	folder, said = add(t, site, "ready")
	assert "isn't at hand" not in said, said
	assert (folder / "ca.crt").read_bytes() == (root.folder / "root.crt").read_bytes()
	password = re.search(r"shown this once: (\S+)", said)[1]
	store = openssl("pkcs12", "-in", folder / "ready.p12", "-passin", f"pass:{password}",
			"-cacerts", "-nokeys")
	assert "CN = root" in store.replace("CN=", "CN = ") and "modality CA" in store, store
	renewed = t.work / "renewed"
	site.modality("renew", "ready", "--pem", "--trust", root.folder / "root.crt",
		      "--trust", site.folder / "ca/ca.crt", "--output", renewed)
	assert (renewed / "ca.crt").read_bytes() == (root.folder / "root.crt").read_bytes()
	assert (renewed / "ca-2.crt").read_bytes() == (site.folder / "ca/ca.crt").read_bytes()
	assert "ca-2.crt" in (renewed / "ready.txt").read_text()
	site.start()
	for made in (folder, renewed):
		assert Device(made, "ready").associates(site), made
	wrong = Device(folder, "ready")
	wrong.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
	wrong.context.load_verify_locations(site.folder / "ca/ca.crt")
	try:
		wrong.associates(site)
	except ssl.SSLCertVerificationError:
		return
	raise AssertionError("the private CA vouches for the gateway, too: this shows nothing")


def nobody_has_signed_yet(t):
	site = Site(t, "unsigned", "--modality-ca", t.pki / "modalities-ca.crt")
	folder, said = add(t, site, "early", "--certificate", t.pki / "angio.crt")
	assert "No CA has signed the gateway's certificate yet" in said, said
	assert not (folder / "ca.crt").exists()


with Test() as t:
	site = Site(t, "etc", "--requests")
	hospital = t.work / "hospital"
	hospital.mkdir()
	root = Authority(hospital, "root")
	issuing = Authority(hospital, "issuing", root)
	the_private_ca_signed(t, site)
	signed_by_hospital(t, site, root, issuing)
	the_root_is_away(t, site)
	the_root_is_at_hand(t, site, root)
	nobody_has_signed_yet(t)
