"""Goal: what a reload takes from an association that is open is taken at its next instance:
0124, `revoked-while-open`, and its end; whoever is still allowed goes on."""
import os
import shutil
import subprocess

from dicom import XA_CONTEXT, Aborted
from harness import ROOT, Test
from objects import make

MOVED = {0x1030: "MOVER", 0x1031: 7}


def revoke(name):
	"""A CRL that lists one more, from a copy of the CA: others use it, too."""
	folder = t.work / f"ca-{name}"
	shutil.copytree(t.pki / "modalities-ca.d", folder / "modalities-ca.d")
	for file in ("modalities-ca.crt", "modalities-ca.key", f"{name}.crt"):
		shutil.copy(t.pki / file, folder)
	for command in (f"-revoke {name}.crt", "-gencrl -crldays 30 -out new.crl"):
		subprocess.run(["openssl", "ca", "-name", "test_ca", *command.split()],
			       cwd=folder, check=True, capture_output=True,
			       env={**os.environ, "CA": "modalities-ca",
				    "OPENSSL_CONF": str(ROOT / "certs/openssl.cnf")})
	return str(folder / "new.crl")


def is_taken(modality, elements):
	"""Refused, and the association ended."""
	obj = make("explicit")
	status = modality.store(obj, elements=elements or {}).status
	assert status == 0x0124, f"{status:04X}"
	line, = gateway.audit(event="instance", sop_instance=obj.sop_instance)
	assert (line["outcome"], line["reason"]) == ("refused", "revoked-while-open"), line
	try:
		modality.read_pdu()
	except Aborted:
		pass
	else:
		raise AssertionError("it goes on")
	gateway.wait_audit(event="association", outcome="aborted",
			   association=line["association"], reason="revoked-while-open")
	return line["detail"]


FIRST = {"modalities.0.move_originators": ["MOVER"], "modalities.0.addresses": ["127.0.0.1"]}

with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs, FIRST)
	for changes, elements, why in (
		({"modalities.0.certificate": {"sha256": ["00" * 32]}}, None,
		 "ae-certificate-mismatch"),
		({"modalities.0.certificate": {"dns": ["other.test"]}}, None,
		 "ae-certificate-mismatch"),
		({"modalities.0.ae_titles": ["OTHER"]}, None, "ae-unknown"),
		({"modalities.0.called_ae_titles": ["OTHER"]}, None, "called-ae-unknown"),
		({"modalities.0.addresses": ["127.0.0.2"]}, None, "address-not-allowed"),
		({"modalities.0.sop_classes": ["CTImageStorage"]}, None, "its entry"),
		({"modalities.0.move_originators": []}, MOVED, "its entry"),
		({"modalities.0.name": "renamed"}, None, "taken away"),
		({"listen.0.tls.crl": revoke("angio")}, None, "tls-revoked"),
		({"listen.0.tls.ca": f"{t.pki}/stranger-ca.crt", "listen.0.tls.crl": None},
		 None, "tls-untrusted"),
	):
		modality = t.associate(gateway)
		assert modality.store(make("explicit"), elements=elements or {}).status == 0
		gateway.reload({**FIRST, **changes})
		detail = is_taken(modality, elements)
		assert why in detail, (changes, detail)
		gateway.reload(FIRST)

	# What is still allowed goes on, also over many reloads, and in mid-object.
	modality = t.associate(gateway)
	stale = {"listen.0.tls.crl": f"{t.pki}/modalities-stale.crl"}
	for changes in ({"modalities.0.sop_classes": ["XRayAngiographicImageStorage"]},
			{"listen.0.tls.crl": None}, {"modalities.0.addresses": ["127.0.0.0/8"]},
			{"modalities.0.max_bytes_per_second": 100000000}, {}):
		obj = make("explicit")
		modality.store_command(obj)
		modality.send_data(1, obj.data[:1000], last=False)
		gateway.reload({**FIRST, **changes})
		modality.send_data(1, obj.data[1000:])
		assert modality.receive().status == 0
		assert modality.store(make("explicit")).status == 0
	# Time alone ends nothing for good: with a fresh CRL it goes on.
	gateway.reload({**FIRST, **stale})
	assert modality.store(make("explicit")).status == 0x0124
	gateway.reload(FIRST)
	assert modality.store(make("explicit")).status == 0
	# One that is taken away in mid-object ends after it; put back, it was never gone.
	gateway.reload({**FIRST, "modalities.0.ae_titles": ["OTHER"]})
	gateway.reload(FIRST)
	assert modality.store(make("explicit")).status == 0
	modality.release()
