"""Goal: each event has its line, in the order of the contract, standing alone; a patient is
a pseudonym in it, and a name in no log at all."""
import os
import re

from dicom import XA_CONTEXT, Rejection
from harness import Test
from objects import make

ORDER = ("seq time node event outcome reason detail association peer certificate subject "
	 "shown_certificate shown_subject tls modality calling_ae called_ae destination sop_class sop_instance study patient "
	 "transfer_syntax bytes sha256 status wait_ms total_ms origin size root key signature "
	 "prev hash").split()
OF_ASSOCIATION = ("association", "peer", "certificate", "subject", "tls", "modality",
		  "calling_ae", "called_ae", "destination")


def check_form(line):
	places = [ORDER.index(key) for key in line]
	assert places == sorted(places), line
	assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["time"]), line
	assert line["node"] == "test", line
	if "association" in line:
		assert re.fullmatch("[0-9a-f]{16}", line["association"]), line


def patients(changes):
	gateway = t.gateway(pacs, changes)
	modality = t.associate(gateway)
	for kind in ("explicit", "implicit", "deflated"):
		modality = t.associate(gateway, contexts=[(1, make(kind).sop_class,
							   [make(kind).transfer_syntax])])
		obj = make(kind)
		assert modality.store(obj).status == 0
		assert gateway.audit(event="instance")[-1]["study"] == obj.study
	return gateway, {line.get("patient") for line in gateway.audit(event="instance")}


os.environ["CATHGATE_DEBUG"] = "1"	# not even then is a patient named

with Test() as t:
	pacs = t.pacs()
	gateway, (pseudonym,) = patients({})
	assert pseudonym and "CATH-0042" not in pseudonym
	modality = t.associate(gateway)
	obj = make("explicit")
	modality.store(obj)
	modality.release()
	gateway.wait_audit(event="association", outcome="released")

	raw = gateway.audit_file.read_text()
	assert '": ' not in raw and raw.endswith("\n"), "compact, whole lines"
	lines = gateway.audit()
	for line in lines:
		check_form(line)
	assert [line["seq"] for line in lines] == list(range(len(lines)))
	rude = t.connect(gateway).request(calling="N\xe9\x1b[2J", contexts=[XA_CONTEXT])
	assert rude == Rejection(1, 1, 3), rude
	gateway.wait_audit(outcome="refused", reason="ae-unknown")
	assert r'"N\u00e9\u001b[2J"' in gateway.audit_file.read_text()
	assert "\x1b" not in gateway.log()

	instance, = gateway.audit(sop_instance=obj.sop_instance)
	opening, = gateway.audit(association=instance["association"], outcome="accepted")
	for key in OF_ASSOCIATION:
		assert instance[key] == opening[key], key
	assert lines.index(opening) < lines.index(instance)
	assert instance["modality"] == "angio" and instance["destination"] == "pacs"
	assert instance["wait_ms"] <= instance["total_ms"]
	for secret in ("Secret", "CATH-0042", "19700101"):
		assert secret not in raw + gateway.log()

	assert patients({"audit.patient_id": "omit"})[1] == {None}
	assert patients({"audit.patient_id": "clear"})[1] == {"CATH-0042"}
	assert patients({"audit.pseudonym_key": None})[1] == {None}
