"""Goal: `cathgate diagnose` knows a modality by the certificate that was refused, says why and
what cures it, never that an expired one fits; all of it reads well in 80 columns."""
import json
import re
import shutil
import subprocess

import dicom
from authority import DAY, Authority
from config import fingerprint
from dicom import XA_CONTEXT
from harness import Test, cathgate, tool

URI = "urn:uuid:6a1f5a0e-0000-4000-8000-000000000001"
CLIENT = "extendedKeyUsage = clientAuth\n"


def entry(name, title, **certificate):
	return {"name": name, "ae_titles": [title], "called_ae_titles": ["CATHGATE"],
		"certificate": certificate, "destination": "pacs"}


def told(gateway, *what, status=0):
	"""As JSON and, its spaces made even, as text, which must read well."""
	text = tool("diagnose", *what, "--config", gateway.config, status=status).decode()
	for line in text.splitlines():
		words = line.split()
		assert len(line) <= 80 or len(words) == 1, line
		assert len(line) - len(line.lstrip()) <= 40, line
	data = json.loads(tool("diagnose", *what, "--json", "--config", gateway.config,
			       status=status))
	return data, " ".join(text.split())


def context(t, name):
	made = dicom.client_context(t.pki, None)
	made.load_cert_chain(t.work / f"{name}.crt", t.work / f"{name}.key")
	return made


def refused(t, gateway, name, reason):
	before = len(gateway.audit(reason=reason))
	assert t.is_refused(gateway, context=context(t, name)), name
	return gateway.wait_audit_beyond(before, outcome="refused", reason=reason)


def certificates(t):
	ca = Authority(t.work, "device-ca")
	ca.issue("pinned", CLIENT, first=-9 * DAY, last=-DAY)
	ca.issue("named", CLIENT + f"subjectAltName = URI:{URI}", first=-9 * DAY, last=-DAY)
	ca.issue("hospitals", CLIENT + "subjectAltName = DNS:ct.hospital.test", first=-9 * DAY,
		 last=-DAY)
	ca.issue("angio", CLIENT)
	Authority(t.work, "strange-ca").issue("nobody", CLIENT)
	return {
		"listen.0.tls.ca": str(t.work / "device-ca.crt"), "listen.0.tls.crl": None,
		"modalities": [
			entry("pinned", "PINNED", sha256=[fingerprint(t.work / "pinned.crt")]),
			entry("named", "NAMED", uri=[URI]),
			entry("hospitals", "CT", dns=["ct.hospital.test"]),
			entry("angio", "ANGIO", sha256=[fingerprint(t.work / "angio.crt")])]}


with Test() as t:
	changes = certificates(t)
	gateway = t.gateway(t.pacs(), changes)
	# The copy that `cathgate modality add` keeps.
	known = gateway.folder / "ca/certificates"
	known.mkdir(parents=True)
	for name in ("named", "hospitals"):
		shutil.copy(t.work / f"{name}.crt", known / f"{fingerprint(t.work / f'{name}.crt')}.crt")

	data, text = told(gateway, "--modality", "pinned", status=1)
	assert "last" not in data and "Look at address, port and firewall" in text, text

	for name in ("pinned", "named", "hospitals"):
		line = refused(t, gateway, name, "tls-expired")
		data, text = told(gateway, "--modality", name, status=1)
		assert data["last"] == line and data["known_by"].startswith("the certificate"), data
		assert data["members"]["certificate"]["differs"], data
		assert fingerprint(t.work / f"{name}.crt") in data["members"]["certificate"]["shown"]
		assert "* certificate <- refused" in text and "<- differs" not in text, text
		assert "has expired" in text and "nothing of it is proved" in text, text
		if name == "hospitals":	# which `renew` would refuse
			assert "its CA must renew it" in data["cure"], data
			assert "modality renew" not in data["cure"], data
		else:
			assert f"cathgate modality renew {name}" in data["cure"], data
		assert "It fits" not in text and "reached the gateway" not in text, text

	# A stranger's, before and after the modality itself was seen.
	refused(t, gateway, "nobody", "tls-untrusted")
	data, text = told(gateway, "--modality", "angio", status=1)
	assert "last" not in data and data["stranger"]["shown_subject"] == "CN=nobody", data
	assert "perhaps it is this one: came" in text and "see below" in text, text
	assert fingerprint(t.work / "nobody.crt") in text, text
	stranger = t.connect(gateway, context=context(t, "angio"))
	stranger.request(calling="MISSPELT", contexts=[XA_CONTEXT])
	gateway.wait_audit(reason="ae-unknown")
	data, text = told(gateway, "--modality", "pinned", status=1)
	assert "stranger" not in data, "its certificate is another entry's"
	data, text = told(gateway, "--modality", "angio", status=1)
	assert data["known_by"] == "its certificate" and data["members"]["calling_ae"]["differs"]

	# It was let in, and would be no more.
	angio = t.connect(gateway, context=context(t, "angio"))
	assert isinstance(angio.request(calling="ANGIO", contexts=[XA_CONTEXT]), dicom.Request)
	angio.release()
	gateway.wait_audit(event="association", outcome="released")
	data, text = told(gateway, "--modality", "angio")
	assert "It fits: nothing is to be done" in text and "cure" not in data, text
	changes["modalities"][3]["ae_titles"] = ["ANGIO-3"]
	gateway.reload(changes)
	data, text = told(gateway, "--modality", "angio", status=1)
	assert "It fits" not in text and "changed since" in data["cure"], text

	# A revoked one has no entry any more.
	(gateway.folder / "modalities.d").mkdir()
	(gateway.folder / "modalities.d/gone.conf.revoked").touch()
	done = subprocess.run([cathgate(), "diagnose", "--modality", "gone", "--config",
			       gateway.config], capture_output=True, text=True)
	assert done.returncode == 2 and "cathgate modality renew gone" in done.stderr, done

	# Each certificate that was refused is a group of its own; many are one.
	for i in range(14):
		Authority(t.work, "strange-ca").issue(f"many-{i}", CLIENT)
		refused(t, gateway, f"many-{i}", "tls-untrusted")
	data, text = told(gateway)
	groups = [one for one in data if one["reason"] == "tls-expired"]
	assert {one["last"]["shown_subject"] for one in groups} == {
		"CN=pinned", "CN=named", "CN=hospitals"}, groups
	assert {one["count"] for one in groups} == {1}, groups
	assert all("is the certificate of the entry " in one["cure"] for one in groups), groups
	groups = [one for one in data if one["reason"] == "tls-untrusted"]
	assert sorted(one["count"] for one in groups) == [1] * 10 + [5], groups
	assert "with many certificates, last sha256" in text, text
	assert re.search(r"with certificate sha256 [0-9a-f]{64} \(CN=pinned\), refused: nothing", text)
