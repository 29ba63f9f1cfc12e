"""Goal: a modality that sends instances which its entry forbids, or that make no sense, as fast as
it can, does not fill the disk: the first are recorded, the rest counted, and all who count by the
log count them all. One that sends thousands of them in a row is sent away; what is allowed still
arrives between them."""
import json
import threading
import time

import metrics
from dicom import Aborted
from harness import Test, tool
from objects import DOSE_SR, EXPLICIT, Object, make, new_uid

SENDERS, EACH, AT_ONCE, IN_A_ROW = 4, 1500, 100, 5000
RECORDED, KINDS = 10, 20	# in full: of a kind; of kinds that differ in their class
FORGOTTEN = 60			# seconds: a kind that pauses for so long may be recorded again
LINE_MAX = 2000			# bytes


def forbidden(number):
	return Object(DOSE_SR, new_uid(), EXPLICIT, bytes(144))


def of_many_classes(number):
	return Object(f"1.2.3.4.{number}", new_uid(), EXPLICIT, bytes(144))


def without_instance(number):
	return Object(DOSE_SR, "", EXPLICIT, bytes(144))


def flood(modality, what, count):
	"""Many before the first is answered. All statuses."""
	statuses = []
	for begin in range(0, count, AT_ONCE):
		numbers = range(begin, min(begin + AT_ONCE, count))
		for number in numbers:
			obj = what(number)
			modality.store_command(obj)
			modality.send_data(1, obj.data)
		statuses += [modality.receive().status for _ in numbers]
	return statuses


def run(what, count, status):
	modality = t.associate(gateway)
	assert set(flood(modality, what, count)) == {status}
	assert modality.store(make("explicit")).status == 0
	modality.release()


def instances(**wanted):
	return [line for line in gateway.audit(event="instance", **wanted)
		if line["outcome"] != "forwarded"]


def stands_for(lines):
	return sum(int(line["detail"].split(" more from ")[0]) if "association" not in line else 1
		   for line in lines)


def times():
	"""How often a kind may have begun anew: on a slow machine there are pauses."""
	return 1 + int((time.monotonic() - began) / FORGOTTEN)


with Test() as t:
	began = time.monotonic()
	gateway = t.gateway(t.pacs(), {
		"modalities.0.sop_classes": ["XRayAngiographicImageStorage"],
		"metrics.textfile": str(t.work / "cathgate.prom")})
	run(forbidden, EACH, 0x0124)
	gateway.wait_audit(event="association", outcome="released")
	assert stands_for(instances()) == EACH, "the association's end tells what was counted"
	senders = [threading.Thread(target=run, args=(forbidden, EACH, 0x0124))
		   for _ in range(SENDERS - 1)]
	for sender in senders:
		sender.start()
	for sender in senders:
		sender.join()
	refused = SENDERS * EACH
	gateway.wait_audit_beyond(SENDERS - 1, event="association", outcome="released")
	lines = instances()
	alone = [line for line in lines if "association" in line]
	assert RECORDED <= len(alone) <= RECORDED * times(), len(alone)
	for line in (line for line in lines if "association" not in line):
		assert (line["reason"], line["sop_class"], line["modality"], line["status"]) == (
			"sop-class-not-allowed", DOSE_SR, "angio", "0124"), line
		assert not {"sop_instance", "study", "sha256", "bytes"} & set(line), line

	run(of_many_classes, EACH, 0x0124)
	gateway.wait_audit_beyond(SENDERS, event="association", outcome="released")
	refused += EACH
	run(without_instance, EACH, 0xC000)
	gateway.wait_audit_beyond(SENDERS + 1, event="association", outcome="released")
	assert stands_for(instances(outcome="failed")) == EACH

	# Nobody goes on for ever in vain, and hears of each instance until then.
	modality = t.associate(gateway)
	statuses = []
	try:
		for _ in range(IN_A_ROW // AT_ONCE + 1):
			statuses += flood(modality, forbidden, AT_ONCE)
	except Aborted as ended:
		assert ended.source == 2, ended
	assert statuses == [0x0124] * IN_A_ROW, len(statuses)
	gateway.wait_audit(event="association", outcome="aborted", reason="limit-refusals")
	refused += IN_A_ROW

	assert gateway.stop() == 0
	lines = instances()
	assert stands_for(lines) == refused + EACH
	alone = [line for line in lines if "association" in line]
	assert len(alone) <= (RECORDED + KINDS + RECORDED) * times(), len(alone)
	assert len(lines) < 200 * times(), len(lines)
	assert gateway.audit_file.stat().st_size <= LINE_MAX * len(gateway.audit())
	assert gateway.log().count(": instance ") == len(alone)

	counters = metrics.parse((t.work / "cathgate.prom").read_text())
	for outcome, count in (("refused", refused), ("failed", EACH)):
		assert counters["cathgate_instances_total",
				(("modality", "angio"), ("outcome", outcome))] == count
	report = json.loads(tool("audit", "report", "--json", gateway.audit_file))
	assert (report["total"]["refused"], report["total"]["failed"]) == (refused, EACH), report["total"]
	assert b" more from this modality: " in tool("audit", "tail", "-n", "1000", gateway.audit_file)
	tool("audit", "verify", gateway.audit_file, "--key", t.pki / "audit.key.pub")
