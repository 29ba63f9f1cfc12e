"""Goal: an object of 300 MB needs no more memory in the gateway than one of 3 MB."""
import os
import pathlib
import re

from harness import Skip, Test
from objects import EXPLICIT, XA, Object, new_uid


def peak_kib(pid):
	status = pathlib.Path(f"/proc/{pid}/status").read_text()
	return int(re.search(r"VmHWM:\s+(\d+)", status)[1])


def count_only(association):
	"""A PACS that keeps nothing, so that this test's own memory stays small."""
	association.accept()
	while True:
		command = association.receive_command()
		while not association.read_pdv()[2]:
			pass
		association.respond(command)


with Test() as t:
	if os.environ.get("CATHGATE_SANITIZE"):
		raise Skip("sanitizers keep what is freed")
	gateway = t.gateway(t.pacs(count_only))
	modality = t.associate(gateway)
	worker, = gateway.associations()
	peaks = []
	for megabytes in (3, 300):
		obj = Object(XA, new_uid(), EXPLICIT, b"")
		part = os.urandom(1 << 20)
		modality.store_command(obj)
		for number in range(megabytes):
			modality.send_data(1, part, last=number == megabytes - 1)
		assert modality.receive().status == 0
		peaks.append(peak_kib(worker))
	assert peaks[1] - peaks[0] < 2048, f"{peaks} KiB"
