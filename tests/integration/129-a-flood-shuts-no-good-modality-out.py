"""Goal: under a flood of bad connections (garbage, half a handshake, wrong certificates), from
another address or from its own, a modality that is good gets its association and its C-ECHO each
time, and the flood none. How long that takes is a figure of tests/bench/crowds.py."""
# Heavy
import time

import dicom
from crowd import Flood
from harness import Test, eventually
from objects import IMPLICIT, VERIFICATION

RATE, KINDS = 200, "garbage,half,stranger,plain,leave"
OWN, OTHER = "127.0.0.1", "127.0.0.7"
TIMES = 10


def come_and_go():
	"""Whether it was let in: whoever is closed at accept tries again."""
	try:
		modality = t.connect(gateway, context=context)
		answer = modality.request(contexts=[(1, VERIFICATION, [IMPLICIT])])
	except (OSError, dicom.Closed):
		time.sleep(1)
		return False
	assert isinstance(answer, dicom.Request), answer
	assert modality.echo().status == 0
	modality.release()
	return True


def come_within_a_flood(address):
	flood = Flood(gateway.port, t.pki, RATE, KINDS, address)
	flood.say("on")
	for _ in range(TIMES):
		eventually(come_and_go)
	flood.say("off")
	assert flood.end() > 0, "there was no flood"
	eventually(lambda: not gateway.associations())


with Test() as t:
	gateway = t.gateway(t.pacs(), {
		"limits.max_handshakes": 64, "limits.max_associations_per_address": 32,
		"limits.handshakes_per_address_per_minute": 600})
	context = dicom.client_context(t.pki, "angio")
	assert come_and_go()
	come_within_a_flood(OTHER)
	come_within_a_flood(OWN)
	assert len(gateway.audit(event="association", outcome="accepted")) == 2 * TIMES + 1
