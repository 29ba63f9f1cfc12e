"""Goal: while little room is left for the audit log, an instance that the PACS refused still has a
line of its own, and is missing in its study's report; what the gateway refused is counted, and told
in words that are true, and all who count by study or destination count it."""
import json
from dataclasses import replace

import metrics
import small_disk
from dicom import XA_CONTEXT, Rejection, release_pdu
from harness import Test, eventually, tool
from objects import DOSE_SR, make, new_uid

RESERVE, FAILED, REFUSED, STRANGERS = 262144, 5, 30, 15

small_disk.in_namespace()


def behave(association):
	association.accept()
	while (message := association.receive()) is not None:
		association.respond(message, status)
	association.send(release_pdu(6))


with Test() as t:
	disk = small_disk.mount("4m")
	gateway = t.configured(t.pacs(behave), {
		"audit.file": str(disk / "audit.jsonl"), "audit.reserve_bytes": RESERVE,
		"modalities.0.sop_classes": ["XRayAngiographicImageStorage"],
		"metrics.textfile": str(t.work / "cathgate.prom")})
	gateway.audit_file = disk / "audit.jsonl"
	gateway.start()
	modality = t.associate(gateway)
	study, status = new_uid(), 0

	def notices():
		assert modality.store(make("explicit", size=100, study=study)).status == 0
		return gateway.audit(event="alert", reason="audit-reserve")

	small_disk.fill(disk, RESERVE - 16384)
	eventually(notices)

	status = 0xA900
	failed = [make("explicit", size=100, study=study) for _ in range(FAILED)]
	for obj in failed:
		assert modality.store(obj).status == status
	lines = gateway.audit(event="instance", outcome="failed")
	assert [(line["sop_instance"], line["study"], line["reason"]) for line in lines] == [
		(obj.sop_instance, study, "destination-status") for obj in failed], lines
	report = json.loads(tool("audit", "report", "--json", "--study", study,
				 gateway.audit_file, status=1))
	assert [missing["sop_instance"] for missing in report["studies"][0]["missing"]] == [
		obj.sop_instance for obj in failed], report

	# What the gateway refused is counted, and told at the association's end.
	for number in range(REFUSED):
		assert modality.store(replace(make("explicit", size=100),
			sop_class=DOSE_SR)).status == 0x0124
	for number in range(STRANGERS):
		assert isinstance(t.connect(gateway).request(
			calling=f"STRANGER{number}", contexts=[XA_CONTEXT]), Rejection)
	assert not gateway.audit(outcome="refused")
	modality.release()
	gateway.wait_audit(event="association", outcome="released")
	line, = gateway.audit(event="instance", outcome="refused")
	assert line["detail"] == f"{REFUSED} more from this modality, of any kind: " \
		"sop-class-not-allowed", line
	assert (line["modality"], line["destination"]) == ("angio", "pacs"), line
	gateway.stop()
	line, = gateway.audit(event="association", outcome="refused")
	assert line["detail"] == f"{STRANGERS} more from any address: ae-unknown", line
	samples = metrics.parse((t.work / "cathgate.prom").read_text())
	assert metrics.value(samples, "cathgate_destination_failures_total", destination="pacs",
			     reason="destination-status") == FAILED
