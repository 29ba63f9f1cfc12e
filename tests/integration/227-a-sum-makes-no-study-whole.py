"""Goal: a study of which instances were refused and only counted is never reported whole: not when the
sum bears it, nor when the sum is of several studies; and not when one of them gets through later.
That a sum stands for refusals, not for instances, the report says itself."""
import csv
import io
import json
import subprocess

import config
from dicom import XA_CONTEXT
from harness import Test, cathgate, tool
from objects import EXPLICIT, SECONDARY_CAPTURE, make, new_uid

ALONE, EACH, STUDIES = 10, 12, 25
OPEN = [XA_CONTEXT, (3, SECONDARY_CAPTURE, [EXPLICIT])]


def report(*arguments):
	done = subprocess.run([cathgate(), "audit", "report", *arguments, gateway.audit_file],
			      capture_output=True, text=True)
	return done.returncode, done.stdout, done.stderr


def is_whole(study):
	status, _, _ = report("--study", study)
	assert status in (0, 1)
	return status == 0


with Test() as t:
	gateway = t.gateway(t.pacs(), {
		"modalities.0.sop_classes": ["XRayAngiographicImageStorage"],
		"modalities.1": {"name": "other", "ae_titles": ["OTHER"],
			"called_ae_titles": ["CATHGATE"], "destination": "pacs",
			"certificate": {"sha256": [config.fingerprint(t.pki / "angio.crt")]},
			"max_handshakes_per_minute": config.ENOUGH}})
	other = make("explicit", size=100)
	modality = t.associate(gateway, calling="OTHER")
	assert modality.store(other).status == 0
	modality.release()

	# One instance that is refused time and again, and stored when it may be.
	retried = make("secondary-capture", size=100)
	modality = t.associate(gateway)
	stored = make("explicit", size=100, study=retried.study)
	assert modality.store(stored).status == 0
	for _ in range(ALONE + 30):
		assert modality.store(retried).status == 0x0124
	modality.release()
	gateway.wait_audit(event="association", outcome="released", modality="angio")
	line, = [line for line in gateway.audit(event="instance") if "association" not in line]
	assert line["study"] == retried.study and "30 more from" in line["detail"], line
	gateway.reload({})
	modality = t.associate(gateway, contexts=OPEN)
	assert modality.store(retried, context=3).status == 0
	modality.release()
	assert not is_whole(retried.study)
	status, table, _ = report("--study", retried.study)
	assert "(30 refusals that were only counted: of which instances nobody knows) refused" in table
	told, = json.loads(report("--json", "--study", retried.study)[1])["studies"]
	assert told["received"] == 2 + 30, told
	assert [(missing["only_counted"], missing["outcome"]) for missing in told["missing"]] == [
		(30, "refused")], told
	rows = csv.DictReader(io.StringIO(report("--csv", "--study", retried.study)[1]))
	assert next(rows)["missing"] == "30 only counted: refused sop-class-not-allowed"

	# So many studies that those of the last are counted together.
	gateway.reload({"modalities.0.sop_classes": ["XRayAngiographicImageStorage"]})
	studies = [new_uid() for _ in range(STUDIES)]
	modality = t.associate(gateway)
	for study in studies:
		assert modality.store(make("explicit", size=100, study=study)).status == 0
		for _ in range(EACH):
			obj = make("secondary-capture", size=100, study=study)
			assert modality.store(obj).status == 0x0124
	modality.release()
	assert gateway.stop() == 0
	sums = [line for line in gateway.audit(event="instance") if "association" not in line]
	together = [line["detail"] for line in sums if "study" not in line]
	assert all("of other kinds" in detail for detail in together), together
	assert not [study for study in studies if is_whole(study)]
	_, _, said = report("--study", studies[-1])
	count = sum(int(detail.split()[0]) for detail in together)
	assert count > 0 and f"{count} refusals that were only counted" in said, (said, together)
	assert is_whole(other.study), "another modality's sums are none of its concern"
	total = json.loads(tool("audit", "report", "--json", gateway.audit_file))["total"]
	assert total["refused"] == 30 + STUDIES * EACH, total
