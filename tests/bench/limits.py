"""The bounds: memory for an object of 2 GiB, time of set-up, 200 associations at once."""
import os
import statistics
import time

import dicom
import measure
import objects
import ways

SAMPLES = 30
HELD = 200
PART = 1 << 20


def associate(way):
	context = dicom.client_context(way.pki, way.certificate)
	association = dicom.Association(dicom.connect(way.port, context))
	answer = association.request(calling=way.calling, called=way.called,
				     contexts=[dicom.XA_CONTEXT])
	if not isinstance(answer, dicom.Request):
		raise RuntimeError(f"{way.name}: the association was refused: {answer}")
	return association


def new_object(data=b""):
	return objects.Object(objects.XA, objects.new_uid(), objects.EXPLICIT, data)


def store_large(association, megabytes):
	part = os.urandom(PART)
	association.store_command(new_object())
	for number in range(megabytes):
		association.send_data(1, part, last=number == megabytes - 1)
	association.sock.settimeout(600)
	if association.receive().status != 0:
		raise RuntimeError("the large object was not stored")


def memory(gateway, megabytes):
	"""The association's process: once accepted and before the handshake, once
	associated, and its highest by the end of the object."""
	silent = dicom.connect(gateway.port)
	ways.eventually(gateway.associations)
	before = measure.status_kib(gateway.associations()[0], "VmRSS")
	silent.close()
	ways.eventually(lambda: not gateway.associations())
	association = associate(gateway)
	worker, = gateway.associations()
	start = measure.status_kib(worker, "VmHWM")
	anonymous = measure.status_kib(worker, "RssAnon")
	store_large(association, megabytes)
	result = {"object_mib": megabytes, "forked_kib": before, "associated_kib": start,
		  "peak_kib": measure.status_kib(worker, "VmHWM"),
		  "grown_kib": measure.status_kib(worker, "VmHWM") - start,
		  "anonymous_grown_kib": measure.status_kib(worker, "RssAnon") - anonymous}
	association.release()
	return result


def set_up_seconds(way):
	began = time.perf_counter()
	association = associate(way)
	took = time.perf_counter() - began
	association.release()
	way.settle()
	return took


def set_up(direct, gateway, samples):
	"""From connect() to the A-ASSOCIATE-AC, in turns."""
	times = [(set_up_seconds(direct), set_up_seconds(gateway)) for _ in range(samples)]
	straight, through = (statistics.median(column) * 1000 for column in zip(*times))
	return {"samples": samples, "direct_ms": straight, "cathgate_ms": through}


def held(gateway, count):
	"""All open at once; then each stores one object."""
	associations = [associate(gateway) for _ in range(count)]
	open_at_once = len(gateway.associations())
	stored = sum(association.store(new_object(b"\x08\0\x18\0UI\x02\x001\0")).status == 0
		     for association in associations)
	pss = sum(map(measure.memory_kib, gateway.associations()))
	for association in associations:
		association.release()
	return {"wanted": count, "open": open_at_once, "stored": stored,
		"kib_each": pss / count}


def measure_all(bench):
	quick = bench.options.quick
	folder = bench.memory / "limits"
	folder.mkdir()
	pacs = ways.Pacs(folder, bench.pki, {"TCP_NODELAY": "1"}, keep=False)
	direct = ways.Direct(folder, bench.pki, pacs, None)
	gateway = ways.Cathgate(folder, bench.pki, pacs, bench.disk_folder())
	try:
		direct.begin()
		return {"memory": memory(gateway, 16 if quick else 2048),
			"set_up": set_up(direct, gateway, 3 if quick else SAMPLES),
			"held": held(gateway, 10 if quick else HELD)}
	finally:
		gateway.stop()
		pacs.stop()
