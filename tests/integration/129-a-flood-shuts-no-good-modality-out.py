"""Goal: under a flood of bad connections (garbage, half a handshake, wrong certificates), from
another address or from its own, a modality that is good gets its association and its C-ECHO each
time, and the flood none. A bad connection costs less than a good one: fewer pages are touched.
How long a good one takes is a figure of tests/bench/crowds.py."""
import os
import time

import dicom
from crowd import Flood, echo
from harness import Skip, Test, eventually, stat

RATE, KINDS = 50, "garbage,half,stranger,plain,leave"
OWN, OTHER = "127.0.0.1", "127.0.0.7"
TIMES = 10		# of the 30 that may come at once; the flood has its own count of as many
FAULTS_OF_CHILDREN = 8	# among the fields of stat: page faults of those that were reaped


def come_and_go(times):
	for _ in range(times):
		eventually(lambda: echo(t, gateway, context))
	eventually(lambda: not gateway.associations())


def faults(work):
	"""What that costs in page faults of the associations' processes, and its result."""
	before = int(stat(gateway.pid)[FAULTS_OF_CHILDREN])
	result = work()
	eventually(lambda: not gateway.associations())
	return int(stat(gateway.pid)[FAULTS_OF_CHILDREN]) - before, result


def flood(address, meanwhile):
	"""How many bad connections there were."""
	bad = Flood(gateway.port, t.pki, RATE, KINDS, address)
	bad.say("on")
	meanwhile()
	bad.say("off")
	return bad.end()


with Test() as t:
	if os.environ.get("CATHGATE_SANITIZE"):
		raise Skip("sanitizers make each process many times as dear")
	gateway = t.gateway(t.pacs(), {
		"limits.max_handshakes": 64, "limits.max_associations_per_address": 32,
		"limits.handshakes_per_address_per_minute": 120})
	context = dicom.client_context(t.pki, "angio")
	good, _ = faults(lambda: come_and_go(TIMES))
	for address in (OTHER, OWN):
		assert flood(address, lambda: come_and_go(TIMES)) > 0, "there was no flood"
	assert len(gateway.audit(event="association", outcome="accepted")) == 3 * TIMES

	bad, count = faults(lambda: flood(OTHER, lambda: time.sleep(0.5)))
	print(f"page faults: {bad / count:.0f} of a bad one, {good / TIMES:.0f} of a good one")
	assert bad / count < good / TIMES
