"""Goal: `cathgate modality add --certificate` and `renew --certificate` take no certificate
that the listener would refuse, and say why and what to do; nothing is changed then. What
counts only later is taken, and told."""
from authority import AUTHORITY, DAY, Authority, self_signed
from harness import Test
from site_setup import Site

CLIENT = "extendedKeyUsage = clientAuth\n"


def make_hospital(folder):
	folder.mkdir()
	root = Authority(folder, "root")
	issuing = Authority(folder, "issuing", root)
	stranger = Authority(folder, "stranger")
	issuing.issue("good", CLIENT)
	(folder / "good.crt").write_bytes((folder / "good.crt").read_bytes() +
					  (folder / "issuing.crt").read_bytes())
	Authority(folder, "region", root).issue("alone", CLIENT)  # its CA isn't beside it
	root.issue("direct", CLIENT)
	root.issue("expired", CLIENT, last=-3600)
	root.issue("tomorrow", CLIENT, first=DAY)
	root.issue("server", "extendedKeyUsage = serverAuth\n")
	root.issue("lost", CLIENT)
	root.issue("authority", AUTHORITY, base="")
	stranger.issue("strange", CLIENT)
	self_signed(folder, "selfmade")
	root.revoke("lost")
	for ca in (root, issuing):
		ca.crl(f"{ca.name}.crl")
	for ending in ("crt", "crl"):
		(folder / f"trusted.{ending}").write_bytes(b"".join(
			(folder / f"{name}.{ending}").read_bytes() for name in ("root", "issuing")))
	return root


def tried(t, site, name, status):
	return site.modality("add", name, "--ae-title", name[:16].upper(), "--certificate",
			     t.work / f"hospital/{name}.crt", "--output", t.work / name,
			     status=status)


def what_is_refused(t, site):
	before = site.snapshot()
	for name, *says in (("selfmade", "tls-untrusted", "self-signed", "modalities-ca.crt"),
			    ("alone", "tls-untrusted", "CN=region", "behind it"),
			    ("strange", "tls-untrusted", "CN=stranger"),
			    ("expired", "tls-expired"), ("server", "clientAuth"),
			    ("lost", "tls-revoked"), ("authority", "is a CA's")):
		said = tried(t, site, name, 1)
		assert all(text in said for text in says), (name, said)
		assert site.snapshot() == before, name
		assert not (t.work / name).exists(), name
	said = tried(t, site, "direct", 0)
	before = site.snapshot()
	for name in ("selfmade", "expired", "lost"):
		site.modality("renew", "direct", "--certificate",
			      t.work / f"hospital/{name}.crt", "--output", t.work / name, status=1)
		assert site.snapshot() == before, name


def what_is_taken(t, site, root):
	assert "doesn't accept" not in tried(t, site, "good", 0)
	said = tried(t, site, "tomorrow", 0)
	assert "doesn't accept it yet" in said and "tls-not-yet-valid" in said, said
	# A CRL that has ended is the gateway's lack, not the certificate's.
	root.issue("late", CLIENT)
	root.crl("root.crl", first=-9 * DAY, last=-DAY)
	(site.tls / "modalities.crl").write_bytes((t.work / "hospital/root.crl").read_bytes())
	said = tried(t, site, "late", 0)
	assert "doesn't accept it yet" in said and "tls-crl-stale" in said, said


def what_the_private_ca_makes(t):
	"""is proved as well: the listener may trust another CA alone."""
	site = Site(t, "moved")
	(site.tls / "modalities-ca.crt").write_bytes((t.pki / "modalities-ca.crt").read_bytes())
	(site.tls / "modalities.crl").write_bytes((t.pki / "modalities.crl").read_bytes())
	before = site.snapshot()
	said = site.modality("add", "x", "--ae-title", "X", "--output", t.work / "x", status=1)
	assert "tls-untrusted" in said and "ca/ca.crt" in said, said
	assert site.snapshot() == before and not (t.work / "x").exists()


with Test() as t:
	root = make_hospital(t.work / "hospital")
	site = Site(t, "etc", "--modality-ca", t.work / "hospital/trusted.crt",
		    "--modality-crl", t.work / "hospital/trusted.crl")
	what_is_refused(t, site)
	what_is_taken(t, site, root)
	what_the_private_ca_makes(t)
