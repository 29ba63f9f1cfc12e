"""Goal: when a modality or a PACS distrusts the gateway's certificate, log, audit log and
`cathgate diagnose` name the CA that it has to trust, and where that CA's certificate is."""
import json
import shutil

import dicom
from authority import Authority
from harness import Test, tool

SERVER = "extendedKeyUsage = serverAuth\nsubjectAltName = DNS:gateway.test"


def diagnosed(gateway, *what, status=0):
	return json.loads(tool("diagnose", *what, "--json", "--config", gateway.config,
			       status=status))


def cure(gateway):
	"""After a modality that trusts another CA."""
	before = len(gateway.audit(reason="tls-peer-refused"))
	distrusts = dicom.client_context(t.pki, "angio", ca="stranger-ca")
	assert t.is_refused(gateway, context=distrusts)
	line = gateway.wait_audit_beyond(before, outcome="refused", reason="tls-peer-refused")
	gateway.wait_log(line["detail"])
	(group,) = [one for one in diagnosed(gateway) if one["reason"] == "tls-peer-refused"]
	# The detail says what this cure is about.
	assert line["detail"] not in group["cure"], group
	assert "cathgate modality renew NAME" in group["cure"], group
	return line["detail"], group["cure"]


with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs)
	detail, told = cure(gateway)
	assert "install it there (the CA is CN=hospital-ca,O=Cathgate test)" in detail, detail
	assert "import the CA CN=hospital-ca,O=Cathgate test, which signed " in told, told
	assert f"its certificate is in {t.pki}/hospital-ca.crt" in told, told

	# Of a chain it is the root, which is mostly nowhere on this machine.
	root = Authority(t.work, "root-ca")
	between = Authority(t.work, "between-ca", parent=root)
	between.issue("gateway", SERVER)
	both = t.work / "chain.crt"
	both.write_text("".join((t.work / f"{name}.crt").read_text()
				for name in ("gateway", "between-ca")))
	gateway = t.gateway(pacs, {"listen.0.tls.certificate": str(both),
				   "listen.0.tls.key": str(t.work / "gateway.key")})
	detail, told = cure(gateway)
	assert "(the CA is CN=root-ca)" in detail, detail
	assert "import the CA CN=root-ca, which signed " in told and "is in no file" in told, told
	assert "renew NAME --trust FILE" in told, told
	(gateway.folder / "ca").mkdir()
	shutil.copy(t.work / "root-ca.crt", gateway.folder / "ca/ca.crt")
	assert f"its certificate is in {gateway.folder}/ca/ca.crt" in cure(gateway)[1]

	# One CA that signed two certificates is told of once, though each chain has a copy of it.
	root.issue("gateway-rsa", SERVER, kind="RSA")
	root.issue("gateway-ec", SERVER)
	for name in ("gateway-rsa", "gateway-ec"):
		with open(t.work / f"{name}.crt", "a") as chain:
			chain.write((t.work / "root-ca.crt").read_text())
	pairs = ("gateway-ec", "gateway-rsa")
	gateway = t.gateway(pacs, {
		"listen.0.tls.certificate": [str(t.work / f"{name}.crt") for name in pairs],
		"listen.0.tls.key": [str(t.work / f"{name}.key") for name in pairs]})
	told = cure(gateway)[1]
	assert told.count("CN=root-ca") == 1, told
	assert f"signed {t.work}/gateway-ec.crt and {t.work}/gateway-rsa.crt;" in told, told
	assert "--trust" not in told, told

	# The PACS, which trusts others as well.
	wary = t.pacs(ca="stranger-ca")
	gateway = t.gateway(wary)
	told = diagnosed(gateway, "--destination", "pacs", status=1)
	(step,) = [one for one in told["steps"] if one["result"] == "failed"]
	assert step["step"] == "own-certificate", told
	assert "(the CA is CN=hospital-ca,O=Cathgate test)" in step["detail"], step
	wary.faults.clear()	# that its handshakes fail is meant
