"""Goal: however many associations show their certificates, at most one process a second writes
down who has been warned; and when the gateway has stopped, all that was seen is in its file."""
import os
import signal
import time

import config
from dicom import PATIENCE
from harness import Skip, Test, eventually
from steps import ENVIRONMENT, can_trace, stopped, traced

ENTRIES = 60


def entries():
	return {f"modalities.{number}": {
			"name": f"angio-{number}", "ae_titles": [f"LAB{number}"],
			"called_ae_titles": ["CATHGATE"], "destination": "pacs",
			"certificate": {"sha256": [config.fingerprint(t.pki / "angio.crt")]},
			"max_handshakes_per_minute": config.ENOUGH}
		for number in range(ENTRIES)}


def associate(number):
	t.associate(gateway, calling=f"LAB{number}").release()


def written():
	"""The modalities that the file names."""
	lines = (gateway.folder / "audit.told").read_text().splitlines()
	return {line.split()[4] for line in lines if line.startswith("modality ")}


with Test() as t:
	if not can_trace():
		raise Skip("strace must not trace here")
	os.environ.update(ENVIRONMENT)	# no leak check, which a traced process can't
	gateway = t.gateway(t.pacs(), entries())
	began = time.monotonic()
	with traced(gateway.pid, "renameat", t.work / "trace"):
		for number in range(ENTRIES - 1):
			associate(number)
		eventually(lambda: len(written()) == ENTRIES - 1)
		took = time.monotonic() - began
	renamed = (t.work / "trace").read_text().count('"audit.told")')
	assert 1 <= renamed <= took + 1, f"{renamed} scribes in {took:.1f} s"

	# One is held at its work while more is seen, and the gateway is told to stop.
	with stopped(gateway.pid, "fsync", t.work / "calls") as scribe:
		associate(ENTRIES - 1)
		eventually(scribe)
		gateway.reconfigure({**entries(), f"modalities.{ENTRIES}": {
			**entries()["modalities.0"], "name": "last", "ae_titles": ["LAST"]}})
		gateway.reload()
		t.associate(gateway, calling="LAST").release()
		gateway.signal(signal.SIGTERM)
	assert gateway.process.wait(PATIENCE) == 0
	assert written() == {"last", *(f"angio-{number}" for number in range(ENTRIES))}, written()
