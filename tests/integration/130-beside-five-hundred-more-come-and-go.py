"""Goal: 200 modalities hold 500 associations in at most 3 MiB each beyond what they share, and
beside them others still come, authenticate with RSA-2048, ask for an echo and go. How many a
second is a figure of tests/bench/crowds.py."""
import os
import re

import dicom
from crowd import associate, rooms
from harness import Test, Skip, children, eventually
from objects import IMPLICIT, VERIFICATION

MODALITIES, HELD, MORE = 200, 500, 100
EACH_KIB = 3 * 1024


def proportional_kib(pid):
	with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
		return int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M)[1])


with Test() as t:
	if os.environ.get("CATHGATE_SANITIZE"):
		raise Skip("sanitizers have memory of their own")
	gateway = t.gateway(t.pacs(), {
		"modalities": rooms(t.work, t.pki, MODALITIES),
		"listen.0.tls.certificate": str(t.pki / "gateway-rsa.crt"),
		"listen.0.tls.key": str(t.pki / "gateway-rsa.key")})
	client = dicom.client_context(t.pki, "modality-rsa")
	held = [associate(gateway.port, client, number % MODALITIES, [dicom.XA_CONTEXT])
		for number in range(HELD)]
	family = [gateway.pid, *children(gateway.pid, but_for=())]
	assert len(gateway.associations()) == HELD
	each = sum(map(proportional_kib, family)) / HELD
	print(f"{each:.0f} KiB for each of {HELD} associations")
	assert each <= EACH_KIB, f"{each:.0f} KiB each"

	for number in range(MORE):
		visitor = associate(gateway.port, client, number, [(1, VERIFICATION, [IMPLICIT])])
		assert visitor.echo().status == 0
		visitor.release()
	eventually(lambda: len(gateway.associations()) == HELD)
	for association in held:
		association.release()
	eventually(lambda: not gateway.associations())
	assert len(gateway.audit(event="association", outcome="released")) == HELD + MORE
