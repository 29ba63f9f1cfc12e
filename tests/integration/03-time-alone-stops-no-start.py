"""Goal: with an expired certificate or a stale CRL the gateway starts, refuses, and says
why; only the calendar made them bad."""
from dicom import XA_CONTEXT, Rejection
from harness import Test

with Test() as t:
	pacs = t.pacs()
	stale = t.gateway(pacs, {"listen.0.tls.crl": f"{t.pki}/modalities-stale.crl"})
	assert t.is_refused(stale, "angio")
	stale.wait_audit(event="association", outcome="refused", reason="tls-crl-stale")

	expired = t.gateway(pacs, {
		"listen.0.tls.certificate": f"{t.pki}/gateway-expired.crt",
		"listen.0.tls.key": f"{t.pki}/gateway-expired.key"})
	assert t.is_refused(expired, "angio")
	expired.wait_audit(event="association", outcome="refused")
	assert "expired" in expired.log()

	outbound = t.gateway(pacs, {
		"destinations.0.tls.certificate": f"{t.pki}/gateway-client-expired.crt",
		"destinations.0.tls.key": f"{t.pki}/gateway-client-expired.key"})
	answer = t.connect(outbound).request(contexts=[XA_CONTEXT])
	assert isinstance(answer, Rejection) and answer.result == 2, answer
	outbound.wait_audit(event="association", outcome="refused", reason="destination-tls")
	assert pacs.requests.empty()
