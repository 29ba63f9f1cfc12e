"""Goal: `cathgate modality list` says when each modality was last let in, and when and why it
was last refused: by its entry, by the certificate that was only shown, or by an AE title that
one entry alone has. A log that can't be read costs these two columns and nothing else."""
import datetime
import json
import os
import re

from authority import Authority
from harness import Test
from site_setup import Device, Site, run


def seen(entry):
	return datetime.datetime.fromisoformat(entry["last_seen"].replace("Z", "+00:00"))


def refuse(site, device, reason, **calls):
	before = len(site.audit(reason=reason))
	device.__dict__.update(calls)
	assert not device.associates(site)
	site.wait_audit_beyond(before, reason=reason)


def rows(site):
	return {line.split()[0]: line for line in site.modality("list").splitlines()[1:] if line}


with Test() as t:
	site = Site(t, "etc")
	for name in ("good", "wrong", "shown", "silent", "claimed", "twin-1", "twin-2"):
		title, address = name.upper(), "127.0.0.1"
		if name.startswith("twin"):
			title, address = "TWIN", f"10.0.0.{name[-1]}"
		site.modality("add", name, "--ae-title", title, "--address", address, "--pem",
			      "--output", t.work / name)
	assert all("last_seen" not in entry and "last_refused" not in entry
		   for entry in site.listed().values()), "the gateway has never run"
	site.start()

	good = Device(t.work / "good", "good")
	begun = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=1)
	assert good.associates(site)
	refuse(site, good, "ae-unknown", calling="ANOTHER")
	# Revoked in the CRL alone, so that its entry is still there.
	shown = Device(t.work / "shown", "shown")
	entry = (site.folder / "modalities.d/shown.conf").read_bytes()
	site.modality("revoke", "shown")
	os.remove(site.folder / "modalities.d/shown.conf.revoked")
	(site.folder / "modalities.d/shown.conf").write_bytes(entry)
	# A certificate that belongs to no entry, which calls itself by an AE title.
	stranger = Authority(t.work, "stranger")
	stranger.issue("nobody", "extendedKeyUsage = clientAuth\n")
	with open(site.tls / "modalities-ca.crt", "ab") as trusted:
		trusted.write((t.work / "stranger.crt").read_bytes())
	stranger.crl("stranger.crl")
	with open(site.tls / "modalities.crl", "ab") as crls:
		crls.write((t.work / "stranger.crl").read_bytes())
	site.reload()
	refuse(site, shown, "tls-revoked")
	unknown = Device(t.work / "claimed", "claimed", pair=t.work / "nobody")
	refuse(site, unknown, "ae-certificate-mismatch")
	refuse(site, unknown, "ae-certificate-mismatch", calling="TWIN")

	listed = site.listed()
	assert seen(listed["good"]) >= begun, listed["good"]
	assert listed["good"]["last_refused"]["reason"] == "ae-unknown", listed["good"]
	assert listed["shown"]["last_refused"]["reason"] == "tls-revoked", listed["shown"]
	assert listed["claimed"]["last_refused"]["reason"] == "ae-certificate-mismatch", listed
	for name in ("shown", "claimed", "silent", "twin-1", "twin-2"):
		assert "last_seen" not in listed[name], listed[name]
	for name in ("silent", "twin-1", "twin-2"):
		assert "last_refused" not in listed[name], "two have that AE title"

	table = rows(site)
	assert re.search(r" \d+ (s|min) ago +\d+ (s|min) ago, ae-unknown", table["good"]), table["good"]
	assert re.search(r" - +\d+ (s|min) ago, tls-revoked", table["shown"]), table["shown"]
	assert re.search(r" - +-$", table["silent"].rstrip()), table["silent"]

	# Older than thirty days: not told.
	site.stop()
	t.gateways.remove(site)
	lines = site.audit_file.read_text()
	old = re.sub(r'"time":"20\d\d', '"time":"2020', lines)
	site.audit_file.write_text(old)
	assert all("last_seen" not in entry for entry in site.listed().values())

	# A log that can't be read.
	site.audit_file.unlink()
	site.audit_file.mkdir()
	done = run("modality", "list", "--config", site.config)
	assert done.returncode == 0 and str(site.audit_file) in done.stderr, done
	assert "who was seen or refused" in done.stderr, done.stderr
	assert re.search(r"^good .* good +- +-$", done.stdout, re.M), done.stdout
	assert len(json.loads(run("modality", "list", "--json", "--config", site.config).stdout)) == 7
