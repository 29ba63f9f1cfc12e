"""Goal: without a good certificate there is no association, and the audit log says what was
wrong: none, expired, not yet valid, revoked, of a strange CA, of a server, too weak."""
from harness import Test

CASES = {
	None: "tls-no-certificate",
	"modality-expired": "tls-expired",
	"modality-tomorrow": "tls-not-yet-valid",
	"modality-revoked": "tls-revoked",
	"modality-stranger": "tls-untrusted",
	"modality-server": "tls-purpose",
	"modality-weak": "tls-weak",
}

with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs)
	for certificate, reason in CASES.items():
		assert t.is_refused(gateway, certificate), f"{certificate} got in"
		gateway.wait_audit(event="association", outcome="refused", reason=reason)
	assert pacs.connections == 0
	assert t.associate(gateway)
