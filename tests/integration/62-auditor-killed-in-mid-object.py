"""Goal: an auditor dies and is replaced while an object is under way: the successor knows
of it, so that it has its line, whoever leaves next."""
import os
import queue
import signal

from config import fingerprint
from dicom import PATIENCE
from harness import Test, eventually, sockets
from objects import make

BOTH = 2	# an auditor's lines: to the supervisor, and to the one association


def report_each(association):
	"""A PACS that never answers."""
	association.accept()
	association.receive_command()
	while True:
		_, _, last, _ = association.read_pdv()
		arrived.put(last)


def send(modality, content, last):
	modality.send_data(1, content, last)
	assert arrived.get(timeout=PATIENCE) == last


def kill_process():
	worker, = gateway.associations()
	os.kill(worker, signal.SIGKILL)


def modality_leaves(modality, rest):
	modality.close()


def process_dies_in_the_middle(modality, rest):
	send(modality, rest[:1000], last=False)
	kill_process()


def process_dies_after_the_end(modality, rest):
	send(modality, rest, last=True)
	kill_process()


WAYS = (
	(modality_leaves, "failed", "peer-lost"),
	(process_dies_in_the_middle, "failed", "internal"),
	(process_dies_after_the_end, "unconfirmed", "internal"),
)

with Test() as t:
	arrived = queue.Queue()
	gateway = t.gateway(t.pacs(report_each))
	certificate = fingerprint(t.pki / "angio.crt")
	for leave, outcome, reason in WAYS:
		obj = make("explicit")
		modality = t.associate(gateway)
		modality.store_command(obj)
		send(modality, obj.data[:5000], last=False)
		successor = gateway.replace("auditor")
		eventually(lambda: sockets(successor) == BOTH)
		leave(modality, obj.data[5000:])

		of_instance = gateway.wait_audit(event="instance",
						 sop_instance=obj.sop_instance)
		of_association = gateway.wait_audit(event="association", outcome="aborted",
						    association=of_instance["association"])
		assert of_instance["outcome"] == outcome, of_instance
		for line in (of_instance, of_association):
			assert line["reason"] == reason, line
			assert line["modality"] == "angio", line
			assert line["certificate"] == certificate, line
	assert len(gateway.audit(event="instance")) == len(WAYS)
	assert len(gateway.audit(event="association", outcome="aborted")) == len(WAYS)
	numbers = [line["seq"] for line in gateway.audit()]
	assert numbers == list(range(len(numbers))), numbers
