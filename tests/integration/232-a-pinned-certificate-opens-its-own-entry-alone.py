"""Goal: a certificate that lies in `ca` because an entry names its SHA-256 opens no other entry
by the URI, DNS name or common name in it: an unknown CA wrote them. It opens its own, names and
all, and one of a known CA goes by its names as before."""
import shutil

import dicom
from authority import Authority
from config import fingerprint
from dicom import XA_CONTEXT, Association
from harness import Test
from objects import make

NAMES = "extendedKeyUsage = clientAuth\nsubjectAltName = DNS:ct.example, URI:urn:ct"
ENTRY = {"called_ae_titles": ["CATHGATE"], "destination": "pacs", "max_associations": 10,
	 "max_handshakes_per_minute": 1000}
BOUND = {"URI": {"uri": ["urn:ct"]}, "DNS": {"dns": ["ct.example"]},
	 "CN": {"common_name": ["echo"]}}


def answer(name, calling):
	association = Association(dicom.connect(gateway.port, dicom.client_context(t.pki, name)))
	answer = association.request(calling=calling, contexts=[XA_CONTEXT])
	if isinstance(answer, dicom.Rejection):
		return False
	assert association.store(make("explicit")).status == 0
	association.release()
	return True


with Test() as t:
	shutil.copytree(t.pki, t.work / "tls")
	t.pki = t.work / "tls"
	ca, vendor = Authority(t.pki, "device-ca"), Authority(t.pki, "vendor-ca")
	ca.issue("ct", NAMES)
	vendor.issue("echo", NAMES)
	(t.pki / "all.crt").write_text((t.pki / "device-ca.crt").read_text() +
				       (t.pki / "echo.crt").read_text())
	entries = {"ECHO": {"sha256": [fingerprint(t.pki / "echo.crt")], "dns": ["ct.example"]},
		   **BOUND}
	gateway = t.gateway(t.pacs(), {
		"listen.0.tls": {"certificate": f"{t.pki}/gateway.crt", "key": f"{t.pki}/gateway.key",
				 "ca": f"{t.pki}/all.crt"},
		**{f"modalities.{i}": {"name": title.lower(), "ae_titles": [title],
				       "certificate": entries[title], **ENTRY}
		   for i, title in enumerate(entries)}})
	assert answer("echo", "ECHO")
	for title in BOUND:
		assert not answer("echo", title), title
		gateway.wait_audit(event="association", outcome="refused", calling_ae=title,
				   reason="ae-certificate-mismatch")
	assert answer("ct", "URI") and answer("ct", "DNS")
