"""Goal: AE titles, certificate and address must all fit one entry; else the association is
rejected with the code that fits, audited with its reason, and the PACS hears nothing."""
from dicom import XA_CONTEXT, Rejection, Request
from harness import Test

CASES = [	# certificate, calling, called: rejection, reason
	("angio", "NOBODY", "CATHGATE", Rejection(1, 1, 3), "ae-unknown"),
	("angio", "cathlab3", "CATHGATE", Rejection(1, 1, 3), "ae-unknown"),
	("echolab", "CATHLAB3", "CATHGATE", Rejection(1, 1, 3), "ae-certificate-mismatch"),
	("angio", "ECHOLAB", "CATHGATE", Rejection(1, 1, 3), "ae-certificate-mismatch"),
	("angio", "CATHLAB3", "ELSEWHERE", Rejection(1, 1, 7), "called-ae-unknown"),
	("echolab", "ECHOLAB", "CATHGATE", None, "address-not-allowed"),
]

with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs, {"modalities.1": {
		"name": "echolab", "ae_titles": ["ECHOLAB"], "called_ae_titles": ["CATHGATE"],
		"certificate": {"dns": ["echolab.test"]}, "destination": "pacs",
		"addresses": ["192.0.2.0/24"]}})
	for certificate, calling, called, rejection, reason in CASES:
		association = t.connect(gateway, certificate)
		answer = association.request(calling=calling, called=called,
					     contexts=[XA_CONTEXT])
		if rejection:
			assert answer == rejection, f"{reason}: {answer}"
		else:
			assert isinstance(answer, Rejection) and answer.result == 1, answer
		line = gateway.wait_audit(event="association", outcome="refused",
					  reason=reason, calling_ae=calling, called_ae=called)
		assert line["certificate"] and line["tls"]["version"] == "TLSv1.3", line
	assert pacs.connections == 0

	spaces = t.connect(gateway).request(calling=" CATHLAB3", contexts=[XA_CONTEXT])
	assert isinstance(spaces, Request), "spaces around an AE title don't count"
