"""Goal: a modality that stops or crawls in mid-object is given up after store_seconds, and
the PACS gets no half object; one that is slow because the PACS is slow is not."""
import threading
import time

from harness import Test
from objects import make


def crawl(modality, obj):
	"""About 4 KiB a second."""
	try:
		for at in range(0, len(obj.data), 400):
			modality.send_data(1, obj.data[at:at + 400], last=False)
			time.sleep(0.1)
	except OSError:
		pass	# cut off in mid-object, as it should be


def slow_pacs(association):
	"""Reads nothing for longer than any store_seconds, then takes all."""
	association.accept()
	time.sleep(8)
	association.serve(stored=patient.stored)


with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs, {"limits.store_seconds": 5,
				   "limits.min_bytes_per_second": 20000})
	for way in (crawl, None):
		obj = make("explicit", size=100000)
		modality = t.associate(gateway)
		modality.store_command(obj)
		modality.send_data(1, obj.data[:1000], last=False)
		if way:
			threading.Thread(target=way, args=(modality, obj), daemon=True).start()
		line = gateway.wait_audit(event="instance", sop_instance=obj.sop_instance)
		assert line["outcome"] == "failed" and line["reason"] == "too-slow", line
	assert pacs.stored.empty()

	patient = t.pacs(slow_pacs)
	gateway = t.gateway(patient, {"limits.store_seconds": 5,
				      "limits.min_bytes_per_second": 20000000})
	assert t.associate(gateway).store(make("explicit", size=30000000)).status == 0
