"""Many modalities, many associations, and floods: what tests and benchmarks of them share."""
import json
import pathlib
import subprocess
import sys
import time

import config
import dicom
from objects import IMPLICIT, VERIFICATION

ECHO = [(1, VERIFICATION, [IMPLICIT])]
FLOOD = pathlib.Path(__file__).with_name("flood.py")


def modality(number):
	"""An entry of the allowlist that nobody uses."""
	return {"name": f"modality-{number}", "ae_titles": [f"AE{number}"],
		"called_ae_titles": ["CATHGATE"],
		"certificate": {"sha256": [f"{number:064x}"], "dns": [f"m{number}.test"]},
		"addresses": [f"10.{number % 256}.0.0/16", "127.0.0.0/8"],
		"sop_classes": ["XRayAngiographicImageStorage", "CTImageStorage"],
		"move_originators": ["MOVER"], "destination": "pacs"}


def rooms(work, pki, count):
	"""So many entries, all of one certificate: each association fits one, by its AE title."""
	first = config.working(work, pki, 1)["modalities"][0]
	certificate = {"sha256": [config.fingerprint(pki / "modality-rsa.crt")]}
	return [{**first, "name": f"room{number}", "ae_titles": [f"ROOM{number}"],
		 "certificate": certificate} for number in range(count)]


def associate(port, client, room, contexts):
	association = dicom.Association(dicom.connect(port, client))
	answer = association.request(calling=f"ROOM{room}", contexts=contexts)
	assert isinstance(answer, dicom.Request), f"ROOM{room}: {answer}"
	return association


def echo(test, gateway, context):
	"""Associates, asks for an echo and goes. False when it was closed at accept: whoever is
	tries again."""
	try:
		modality = test.connect(gateway, context=context)
		answer = modality.request(contexts=ECHO)
	except (OSError, dicom.Closed):
		time.sleep(1)
		return False
	assert isinstance(answer, dicom.Request), answer
	assert modality.echo().status == 0
	modality.release()
	return True


class Flood:
	"""Bad connections, so many a second, from one address; on and off by word."""

	def __init__(self, port, pki, rate, kinds, address):
		self.process = subprocess.Popen(
			[sys.executable, FLOOD, str(port), str(pki), str(rate), kinds, address],
			stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
		assert self.process.stdout.readline() == "ready\n"

	def say(self, word):
		self.process.stdin.write(word + "\n")
		self.process.stdin.flush()

	def end(self):
		"""How many it has made."""
		made, _ = self.process.communicate(timeout=dicom.PATIENCE)
		return sum(json.loads(made).values())
