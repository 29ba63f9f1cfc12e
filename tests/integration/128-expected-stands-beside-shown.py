"""Goal: `cathgate diagnose --modality` says what is expected of a modality, what it last showed,
and which of the two differ; a drop-in's lines are named by its own file."""
import json

import dicom
from dicom import XA_CONTEXT
from config import fingerprint
from harness import Test, tool
from objects import make

KEYS = ("calling_ae", "called_ae", "certificate", "address", "sop_class")


def diagnosed(gateway, name="angio", status=1):
	return json.loads(tool("diagnose", "--modality", name, "--json", "--config",
			       gateway.config, status=status))


def comes(t, gateway, certificate="angio", calling="CATHLAB3", called="CATHGATE", reason=None):
	before = len(gateway.audit(reason=reason))
	t.connect(gateway, certificate).request(calling=calling, called=called,
						contexts=[XA_CONTEXT])
	gateway.wait_audit_beyond(before, event="association", reason=reason)


def differing(told):
	assert tuple(told["members"]) == KEYS, told
	return [key for key in KEYS if told["members"][key]["differs"]]


def refused(t, gateway):
	told = diagnosed(gateway)
	assert "last" not in told and differing(told) == [], told
	assert b"nothing with its AE title" in b" ".join(
		tool("diagnose", "--modality", "angio", "--config", gateway.config,
		     status=1).split())

	comes(t, gateway, certificate="echolab", reason="ae-certificate-mismatch")
	told = diagnosed(gateway)
	assert differing(told) == ["certificate"], told
	certificate = told["members"]["certificate"]
	assert fingerprint(t.pki / "angio.crt") in certificate["expected"], certificate
	assert fingerprint(t.pki / "echolab.crt") in certificate["shown"], certificate
	assert "was renewed" in told["cure"], told
	said = tool("diagnose", "--modality", "angio", "--config", gateway.config, status=1)
	assert b"* certificate  <- differs" in said and b"Cure:" in said, said.decode()
	assert b"TLS 1.2 or newer" in b" ".join(said.split()), said.decode()

	comes(t, gateway, called="ELSEWHERE", reason="called-ae-unknown")
	assert differing(diagnosed(gateway)) == ["called_ae"]
	comes(t, gateway, calling="cathlab3", reason="ae-unknown")	# known by its certificate
	told = diagnosed(gateway)
	assert differing(told) == ["calling_ae"] and "case counts" in told["cure"], told


def corrected(t, gateway):
	"""No cure is named that is made already."""
	def takes(changes):
		gateway.reload(changes)
		told = diagnosed(gateway)
		assert "the entry angio (" in told["cure"] and "takes by now" in told["cure"], told
		assert "cathgate reload" in told["cure"] and differing(told) == [], told
		(group,) = [one for one in json.loads(tool("diagnose", "--json", "--config",
							   gateway.config))
			    if one["last"] == told["last"]]
		assert group["cure"] == told["cure"], group
		gateway.reload({})

	comes(t, gateway, certificate="echolab", reason="ae-certificate-mismatch")
	digests = [fingerprint(t.pki / f"{name}.crt") for name in ("angio", "echolab")]
	takes({"modalities.0.certificate.sha256": digests})
	comes(t, gateway, called="ELSEWHERE", reason="called-ae-unknown")
	takes({"modalities.0.called_ae_titles": ["CATHGATE", "ELSEWHERE"]})
	comes(t, gateway, calling="cathlab3", reason="ae-unknown")
	# One is cured, and the next one is not: that would be met now.
	gateway.reload({"modalities.0.ae_titles": ["cathlab3"],
			"modalities.0.addresses": ["192.0.2.7"]})
	told = diagnosed(gateway)
	assert "refused with address-not-allowed now" in told["cure"], told
	assert 'add "127.0.0.1"' in told["cure"] and differing(told) == ["address"], told
	takes({"modalities.0.ae_titles": ["CATHLAB3", "cathlab3"]})

	gateway.reload({"modalities.0.addresses": ["192.0.2.7"]})
	comes(t, gateway, reason="address-not-allowed")
	assert differing(diagnosed(gateway)) == ["address"]
	takes({"modalities.0.addresses": ["192.0.2.7", "127.0.0.1"]})

	gateway.reload({"modalities.0.sop_classes": ["XRayAngiographicImageStorage"]})
	association = t.associate(gateway)
	assert association.store(make("dose-sr")).status == 0x0124
	association.release()
	gateway.wait_audit(event="instance", reason="sop-class-not-allowed")
	assert differing(diagnosed(gateway)) == ["sop_class"]
	takes({})


def stranger(t, gateway):
	comes(t, gateway, certificate="echolab", calling="CATHLAB", reason="ae-unknown")
	told = diagnosed(gateway)
	assert told["stranger"]["calling_ae"] == "CATHLAB", told
	assert "ae_titles" in told["stranger_cure"], told
	assert b"perhaps it is this one" in b" ".join(
		tool("diagnose", "--modality", "angio", "--config", gateway.config,
		     status=1).split())


def drop_in(t, gateway):
	"""One by its addresses alone: TLS fails before it has said who it is."""
	folder = gateway.folder / "modalities.d"
	folder.mkdir()
	(folder / "echo.conf").write_text(
		'name = "echo";\n// of the echo lab\nae_titles = [ "ECHOLAB" ];\n'
		'called_ae_titles = [ "CATHGATE" ];\n'
		'certificate: {\n  sha256 = [ "' + "00" * 32 + '" ]; };\n'
		'addresses = [ "127.0.0.0/8" ];\ndestination = "pacs";\n')
	gateway.reload()
	comes(t, gateway, certificate="echolab", calling="ECHOLAB",
	      reason="ae-certificate-mismatch")
	told = diagnosed(gateway, "echo")
	assert f"line 6 of {folder}/echo.conf" in told["cure"], told
	assert t.is_refused(gateway, "modality-stranger")
	gateway.wait_audit(reason="tls-untrusted")
	told = diagnosed(gateway, "echo")
	assert told["last"]["reason"] == "tls-untrusted", told
	assert differing(told) == ["certificate"], told


def way_to_the_pacs(t, gateway):
	gateway.reload({"destinations.0.port": 1})
	comes(t, gateway, reason="destination-unreachable")
	said = tool("diagnose", "--modality", "angio", "--config", gateway.config, status=1)
	assert b"The modality fits" in said and b"differs" not in said, said
	assert differing(diagnosed(gateway)) == []
	# Its certificate was exchanged since.
	gateway.reload({"modalities.0.certificate.sha256": ["00" * 32]})
	told = diagnosed(gateway)
	assert differing(told) == ["certificate"] and "was changed since" in told["cure"], told
	assert "the way to its destination failed" in told["cure"], told
	assert b"The modality fits" not in tool("diagnose", "--modality", "angio", "--config",
						gateway.config, status=1)
	gateway.reload({})


def let_in(t, gateway):
	association = t.associate(gateway)
	assert association.store(make("explicit")).status == 0
	association.release()
	gateway.wait_audit(event="association", outcome="released")
	told = diagnosed(gateway, status=0)
	assert differing(told) == [] and told["accepted"] and "stranger" not in told, told
	said = tool("diagnose", "--modality", "angio", "--config", gateway.config)
	assert b"nothing is to be done" in said, said


with Test() as t:
	gateway = t.gateway(t.pacs())
	refused(t, gateway)
	corrected(t, gateway)
	stranger(t, gateway)
	way_to_the_pacs(t, gateway)
	let_in(t, gateway)
	drop_in(t, gateway)
	tool("diagnose", "--modality", "nobody", "--config", gateway.config, status=2)
