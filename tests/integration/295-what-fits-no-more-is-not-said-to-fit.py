"""Goal: a modality that the gateway refuses is never said to fit: neither one that was revoked
and renewed, and comes with the old certificate, nor one of a hospital's CA that was taken out
of `ca`, of whose certificate nobody has a copy."""
import json
import os
import shutil

import dicom
from authority import Authority
from dicom import ECHO_CONTEXT, Association
from harness import Test, tool
from site_setup import Device, Site


def diagnosed(site, name, status=1):
	"""As JSON and, its spaces made even, as text."""
	more = "--modality", name, "--config", site.config
	text = tool("diagnose", *more, status=status).decode()
	data = json.loads(tool("diagnose", *more, "--json", status=status))
	assert ("It fits: nothing" in text) == (status == 0), text
	return data, " ".join(text.split())


def refuse(site, device, reason):
	before = len(site.audit(reason=reason))
	assert not device.associates(site)
	return site.wait_audit_beyond(before, outcome="refused", reason=reason)


def comes(site, device):
	before = len(site.audit(event="association", outcome="released"))
	association = Association(dicom.connect(site.port, device.context))
	assert isinstance(association.request(calling=device.calling, called=device.called,
					      contexts=[ECHO_CONTEXT]), dicom.Request)
	association.release()
	site.wait_audit_beyond(before, event="association", outcome="released")


def listed(site, name):
	return site.listed()[name].get("last_refused", {}).get("reason")


def with_the_old_certificate(site):
	old = Device(t.work / "angio", "angio")
	comes(site, old)
	diagnosed(site, "angio", status=0)
	site.modality("revoke", "angio")
	site.modality("renew", "angio", "--pem", "--output", t.work / "angio-2")
	site.reload()

	# It did not come since.
	data, text = diagnosed(site, "angio")
	assert data["members"]["certificate"]["differs"], data
	assert "* certificate <- differs" in text and "was changed since" in data["cure"], text

	line = refuse(site, old, "tls-revoked")
	data, text = diagnosed(site, "angio")
	assert data["last"] == line and "was let in before" in data["known_by"], data
	assert data["members"]["certificate"]["differs"], data
	assert "takes it no more" in data["cure"], data
	assert "cathgate modality renew angio" in data["cure"] and "tls-revoked" in text, text
	assert "was let in" in text, text
	assert listed(site, "angio") == "tls-revoked", site.listed()
	comes(site, Device(t.work / "angio-2", "angio"))
	diagnosed(site, "angio", status=0)


def of_a_ca_that_was_taken_out(site):
	hospital = Authority(t.work, "hospital")
	hospital.issue("ct", "extendedKeyUsage = clientAuth\nsubjectAltName = DNS:ct.test\n")
	hospital.crl("hospital.crl")
	files = [(site.tls / of, (site.tls / of).read_bytes(), (t.work / name).read_bytes())
		 for of, name in (("modalities-ca.crt", "hospital.crt"),
				  ("modalities.crl", "hospital.crl"))]
	def trust(is_trusted):
		for path, without, more in files:
			path.write_bytes(without + more * is_trusted)
		assert site.reload()["outcome"] == "done"
	for name, title in (("ct", "CT"), ("never-seen", "NEVER")):
		site.modality("add", name, "--ae-title", title, "--dns", f"{name}.test",
			      "--output", t.work / f"{name}-handed-out")
	trust(True)
	ct = Device(t.work / "ct-handed-out", "ct", pair=t.work / "ct")
	comes(site, ct)
	data, _ = diagnosed(site, "ct", status=0)
	assert not data["members"]["certificate"]["differs"], data
	trust(False)
	line = refuse(site, ct, "tls-untrusted")
	data, text = diagnosed(site, "ct")
	assert data["last"] == line and "was let in before" in data["known_by"], data
	assert "its CA was in `ca` then" in data["cure"] and "modalities-ca.crt" in text, text
	data, _ = diagnosed(site, "never-seen")
	assert "last" not in data and "stranger" not in data, data
	assert listed(site, "ct") == "tls-untrusted" and not listed(site, "never-seen")
	groups = json.loads(tool("diagnose", "--json", "--config", site.config))
	(group,) = [one for one in groups if one["reason"] == "tls-untrusted"]
	assert "The entry ct (" in group["cure"], group

	# Let in again; then its entry gets another name, which nobody can compare.
	trust(True)
	comes(site, ct)
	diagnosed(site, "ct", status=0)
	entry = site.folder / "modalities.d/ct.conf"
	text = entry.read_text()
	entry.write_text(text.replace("ct.test", "ct-2.test"))
	written = entry.stat()
	os.utime(entry, ns=(written.st_atime_ns, written.st_mtime_ns - 3600 * 10**9))
	data, _ = diagnosed(site, "ct")
	assert "can't be told" in data["cure"] and "was written since" in data["cure"], data
	# With a copy it can be told.
	sha256 = data["last"]["certificate"]
	shutil.copy(t.work / "ct.crt", site.folder / f"ca/certificates/{sha256}.crt")
	data, _ = diagnosed(site, "ct")
	assert data["members"]["certificate"]["differs"], data
	entry.write_text(text)
	diagnosed(site, "ct", status=0)


with Test() as t:
	site = Site(t, "etc", pacs_port=t.pacs().port)
	site.modality("add", "angio", "--ae-title", "ANGIO", "--pem", "--output", t.work / "angio")
	site.start()
	with_the_old_certificate(site)
	of_a_ca_that_was_taken_out(site)
