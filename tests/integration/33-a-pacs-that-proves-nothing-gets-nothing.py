"""Goal: no image goes to a PACS with a wrong name, an expired, revoked or strange
certificate, or to one that refuses ours, late as TLS 1.3 tells; the modality is rejected
for now, and the audit log says why."""
from dicom import XA_CONTEXT, Rejection
from harness import Test

with Test() as t:
	hospital_crl = {"destinations.0.tls.crl": f"{t.pki}/hospital.crl"}
	cases = [
		(t.pacs(certificate="pacs-elsewhere"), {}, "destination-name"),
		(t.pacs(certificate="pacs-expired"), {}, "destination-tls"),
		(t.pacs(certificate="pacs-stranger"), {}, "destination-tls"),
		(t.pacs(certificate="pacs-revoked"), hospital_crl, "destination-tls"),
		(t.pacs(certificate="angio"), {"destinations.0.tls.ca":
		 f"{t.pki}/modalities-ca.crt"}, "destination-tls"),
		(t.pacs(ca="stranger-ca"), {}, "destination-tls"),
		(t.pacs(), {"destinations.0.tls.public_key_sha256": ["00" * 32]},
		 "destination-tls"),
	]
	for pacs, changes, reason in cases:
		gateway = t.gateway(pacs, changes)
		answer = t.connect(gateway).request(contexts=[XA_CONTEXT])
		assert isinstance(answer, Rejection) and answer.result == 2, answer
		line = gateway.wait_audit(event="association", outcome="refused")
		assert line["reason"] == reason, line
		assert pacs.requests.empty()
	assert t.associate(t.gateway(t.pacs(), hospital_crl)), "a good one is good"
