"""Goal: hundreds of reloads while several modalities send drop nothing and leak nothing,
neither memory nor descriptors."""
import os
import pathlib
import signal
import threading
import time

import dicom
from harness import Test, descriptors, eventually
from objects import make

SENDERS = 4
SANITIZED = bool(os.environ.get("CATHGATE_SANITIZE"))
RELOADS = 50 if SANITIZED else 300
PAUSE = 0.05	# seconds, so that the senders leave the processors to the reloads


def resident_kib(pid):
	status = pathlib.Path(f"/proc/{pid}/status").read_text()
	return int(status.split("VmRSS:")[1].split()[0])


def come_and_go(number, sent, faults):
	"""Associations one after another, until told to stop."""
	try:
		while not over.is_set():
			modality = t.associate(gateway)
			for _ in range(3):
				assert modality.store(make("explicit")).status == 0
				sent.append(number)
			modality.release()
			time.sleep(PAUSE)
	except BaseException as fault:	# told by the main thread
		faults.append(fault)


def stay(number, sent, faults):
	"""One association all the while."""
	try:
		modality = t.associate(gateway)
		while not over.is_set():
			assert modality.store(make("explicit")).status == 0
			sent.append(number)
			time.sleep(PAUSE)
		modality.release()
	except BaseException as fault:
		faults.append(fault)


def reload_once(log, text):
	gateway.config.write_text(text)
	gateway.signal(signal.SIGHUP)
	said = []

	def is_done():
		said.append(log.read())
		return "reloaded in" in "".join(said)
	eventually(is_done)
	assert not faults, faults[0]


def reload_all():
	"""Alternately with one entry more and with one less; how much memory that took, but
	for the first third."""
	with open(gateway.log_file) as log:
		log.seek(0, os.SEEK_END)
		for number in range(RELOADS):
			if number == RELOADS // 3:
				before_kib = resident_kib(gateway.pid)
			reload_once(log, texts[number % 2])
	return resident_kib(gateway.pid) - before_kib


def is_quiet():
	return not gateway.associations()


with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs)
	other = {"name": "more", "ae_titles": ["MORE"], "called_ae_titles": ["CATHGATE"],
		 "certificate": {"dns": ["more.test"]}, "destination": "pacs",
		 "max_bytes_per_second": 5000}
	texts = [gateway.render({"modalities.1": other}), gateway.render({})]
	over, sent, faults = threading.Event(), [], []
	before = descriptors(gateway.pid)
	senders = [threading.Thread(target=work, args=(number, sent, faults), daemon=True)
		   for number, work in enumerate([come_and_go] * SENDERS + [stay])]
	for sender in senders:
		sender.start()
	grown_kib = reload_all()
	over.set()
	for sender in senders:
		sender.join(dicom.PATIENCE)
	assert not faults, faults[0]
	eventually(is_quiet)
	eventually(lambda: descriptors(gateway.pid) <= before)
	assert set(sent) == set(range(SENDERS + 1)), "each has sent"
	assert pacs.stored.qsize() == len(sent), len(sent)
	assert len(gateway.audit(event="instance", outcome="forwarded")) == len(sent)
	assert len(gateway.audit(event="reload", outcome="done")) == RELOADS
	assert not gateway.audit(outcome="refused") and not gateway.audit(outcome="aborted")
	assert SANITIZED or grown_kib < 512, f"it grew by {grown_kib} KiB"
