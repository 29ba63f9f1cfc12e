"""Goal: what an entry or an address may do in a minute it may not do at once: a quarter at
most (of small limits 30, or all); what comes beyond that is rejected for now, and let in
a little later."""
import time

import dicom
from dicom import XA_CONTEXT, Association, Rejection, Request
from harness import Test, eventually

PER_MINUTE, AT_ONCE, TRIES = 240, 60, 150
PLAIN = {"name": "plain", "ae_titles": ["OLDLAB"], "certificate": "none",
	 "called_ae_titles": ["CATHGATE"], "destination": "pacs",
	 "max_associations": 1000, "max_handshakes_per_minute": 100000}
ENTRY, ADDRESS = ("modalities.1.max_handshakes_per_minute",
		  "limits.handshakes_per_address_per_minute")


def is_let_in(gateway):
	modality = Association(dicom.connect(gateway.ports[1]))
	answer = modality.request(calling="OLDLAB", contexts=[XA_CONTEXT])
	if isinstance(answer, Request):
		modality.release()
		return True
	assert answer == Rejection(2, 3, 1), answer
	modality.close()
	return False


def counted(limit):
	gateway = t.gateway(pacs, {
		"listen.1": {"address": "127.0.0.1", "port": 0, "tls": "none"},
		"modalities.1": PLAIN, "destinations.0.tls": "none", limit: PER_MINUTE})
	began = time.monotonic()
	let_in = sum(is_let_in(gateway) for _ in range(TRIES))
	most = AT_ONCE + (time.monotonic() - began) * PER_MINUTE / 60 + 1
	assert AT_ONCE <= let_in <= most, f"{limit}: {let_in} of {TRIES}, at most {most:.0f}"
	if let_in < TRIES:	# else this machine took most of a minute for them
		gateway.wait_audit(event="association", outcome="refused",
				   reason="limit-associations")
	eventually(lambda: is_let_in(gateway))


with Test() as t:
	pacs = t.pacs(tls=False)
	counted(ENTRY)
	counted(ADDRESS)
