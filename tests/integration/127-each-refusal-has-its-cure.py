"""Goal: `cathgate diagnose` puts the last refusals of the audit log together and names the cure
of each with its line in the configuration; a hostile AE title steers no terminal."""
import json
import socket
import ssl

import dicom
from dicom import XA_CONTEXT
from harness import Test, tool
from objects import make


def line_of(config, begins, after=""):
	lines = config.read_text().splitlines()
	start = next(i for i, line in enumerate(lines) if after in line)
	return next(i for i, line in enumerate(lines[start:], start + 1) if line.startswith(begins))


def provoke(t, gateway):
	for certificate, calling, called in (("angio", "cathlab3", "CATHGATE"),
					     ("angio", "NOBODY", "CATHGATE"),
					     ("angio", "EVIL\x1b[2J", "CATHGATE"),
					     ("echolab", "CATHLAB3", "CATHGATE"),
					     ("echolab", "CATHLAB3", "CATHGATE"),
					     ("angio", "CATHLAB3", "ELSEWHERE"),
					     ("echolab", "ECHOLAB", "CATHGATE")):
		t.connect(gateway, certificate).request(calling=calling, called=called,
							contexts=[XA_CONTEXT])
	for certificate in ("modality-stranger", "modality-expired", "modality-revoked", None):
		assert t.is_refused(gateway, certificate), certificate
	distrusts = dicom.client_context(t.pki, "angio", ca="stranger-ca")
	assert t.is_refused(gateway, context=distrusts)
	old = dicom.client_context(t.pki, "angio")
	old.set_ciphers("DEFAULT:@SECLEVEL=0")
	old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
	assert t.is_refused(gateway, context=old)
	with socket.create_connection(("127.0.0.1", gateway.port)) as plain:
		plain.sendall(dicom.associate_rq(contexts=[XA_CONTEXT]))
		plain.recv(4096)
	gateway.wait_audit(event="association", reason="not-tls")


def diagnosed(gateway, *more):
	return json.loads(tool("diagnose", "--json", "--config", gateway.config, *more))


def group(groups, reason, **members):
	found = [one for one in groups if one["reason"] == reason and
		 all(one["last"].get(key) == value for key, value in members.items())]
	assert len(found) == 1, (reason, members, [one["last"] for one in groups])
	return found[0]


def entries(t, gateway):
	groups = diagnosed(gateway)
	config = gateway.config
	titles = line_of(config, "ae_titles")
	cure = group(groups, "ae-unknown", calling_ae="cathlab3")["cure"]
	assert f"line {titles} of {config}" in cure and "case counts" in cure, cure
	cure = group(groups, "ae-unknown", calling_ae="NOBODY")["cure"]
	assert "certificate is that of the entry angio" in cure and '"NOBODY"' in cure, cure

	mismatch = group(groups, "ae-certificate-mismatch")
	shown = mismatch["last"]["certificate"]
	assert mismatch["count"] == 2, mismatch
	assert f"line {line_of(config, 'sha256')} of {config}" in mismatch["cure"], mismatch
	assert f'put "{shown}"' in mismatch["cure"] and "was renewed" in mismatch["cure"]
	cure = group(groups, "called-ae-unknown")["cure"]
	assert f"line {line_of(config, 'called_ae_titles')} of" in cure and '"ELSEWHERE"' in cure
	cure = group(groups, "address-not-allowed")["cure"]
	assert "192.0.2.0/24" in cure and "127.0.0.1" in cure and "echolab" in cure, cure
	assert f"line {line_of(config, 'addresses')} of" in cure, cure


def handshakes(gateway):
	groups = diagnosed(gateway)
	ca, crl = (line_of(gateway.config, key) for key in ("ca =", "crl ="))
	assert f"line {ca} of" in group(groups, "tls-untrusted")["cure"]
	assert f"line {ca} of" in group(groups, "tls-no-certificate")["cure"]
	assert crl and "find out why" in group(groups, "tls-revoked")["cure"]
	assert "renew" in group(groups, "tls-expired")["cure"]
	assert "install the CA" in group(groups, "tls-peer-refused")["cure"]
	assert "min_version" in group(groups, "tls-version")["cure"]
	assert "switch TLS on" in group(groups, "not-tls")["cure"]


def text_is_safe(gateway):
	said = tool("diagnose", "--config", gateway.config)
	assert b"\x1b" not in said and b"u001b" in said, said
	for word in (b"Who:", b"Cause:", b"Cure:", b"2 times", b"cathgate reload"):
		assert word in said, word


def destinations(t, gateway):
	pacs_away = group(diagnosed(gateway), "destination-unreachable")
	assert "cathgate diagnose --destination pacs" in pacs_away["cure"], pacs_away
	assert "well_since" not in pacs_away
	for pacs, reason, key, says in (
			(t.pacs(ca="stranger-ca"), "destination-tls", "certificate",
			 "the CA of the gateway's certificate"),
			(t.pacs(certificate="pacs-elsewhere"), "destination-name",
			 "server_name", "openssl s_client"),
			(t.pacs(lambda association: association.reject(1, 1, 7)),
			 "destination-rejected", "called_ae_title", "how the PACS is called")):
		gateway.reload({**CHANGES, "destinations.0.port": pacs.port})
		t.connect(gateway).request(contexts=[XA_CONTEXT])
		gateway.wait_audit(event="association", reason=reason)
		cure = group(diagnosed(gateway), reason)["cure"]
		line = line_of(gateway.config, key, after="destinations")
		assert f"(line {line} of" in cure and says in cure, cure
	gateway.reload({**CHANGES, "destinations.0.port": t.pacs().port})
	association = t.associate(gateway)
	assert association.store(make("explicit")).status == 0
	association.release()
	gateway.wait_audit(event="association", outcome="released")
	groups = diagnosed(gateway)
	assert "well_since" in group(groups, "destination-unreachable"), groups
	# Whoever has that certificate went well; or, where none was shown, that address. That
	# another one did, behind the same address, says nothing.
	for reason, members in (("called-ae-unknown", {}), ("ae-unknown", {"calling_ae": "NOBODY"}),
				("tls-no-certificate", {}), ("not-tls", {})):
		assert "well_since" in group(groups, reason, **members), (reason, groups)
	for reason in ("ae-certificate-mismatch", "address-not-allowed", "tls-untrusted",
		       "tls-expired", "tls-revoked"):
		assert "well_since" not in group(groups, reason), (reason, groups)


CHANGES = {"modalities.1": {
	"name": "echolab", "ae_titles": ["ECHOLAB"], "called_ae_titles": ["CATHGATE"],
	"certificate": {"dns": ["echolab.test"]}, "destination": "pacs",
	"addresses": ["192.0.2.0/24"]}}

with Test() as t:
	gateway = t.gateway(None, CHANGES)
	assert diagnosed(gateway) == []
	assert b"doesn't reach the gateway" in tool("diagnose", "--config", gateway.config)
	provoke(t, gateway)
	t.connect(gateway).request(contexts=[XA_CONTEXT])
	gateway.wait_audit(event="association", reason="destination-unreachable")
	entries(t, gateway)
	handshakes(gateway)
	text_is_safe(gateway)
	destinations(t, gateway)
	assert diagnosed(gateway, "--log", gateway.audit_file)
	tool("diagnose", "--config", gateway.config, "--log", t.work / "none.jsonl", status=2)
