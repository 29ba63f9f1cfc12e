"""Goal: where the log corrects that an instance was forwarded, for its record was not durable
in time and the modality was told of a failure, the audit messages don't say of it that it was
acknowledged; another attempt to send it is no correction."""
import xml.etree.ElementTree as ElementTree

from audit_messages import OBJECT, PARTIES, export, kind, line, written, xml_of
from harness import Test

DOUBT = {"outcome": "unconfirmed", "reason": "audit-unavailable", "status": "A700"}
FORWARDED = {"outcome": "forwarded", "status": "0000"}
BEGIN = ("110102", None, "E", "0")
TAKEN, NOT_TOLD = ("110104", None, "C", "0"), ("110104", None, "C", "4")
HELD, UNSURE = ("110104", None, "R", "0"), ("110104", None, "R", "4")


def told(name, *instances):
	"""Of each message of an association with these: its kind, how many instances."""
	lines = [line(seq, "instance", **PARTIES, **{**OBJECT, **members})
		 for seq, members in enumerate(instances)]
	lines.append(line(len(lines), "association", outcome="released", **PARTIES))
	export(t.work / name, lines)
	return [(kind(message), sum(int(found.get("NumberOfInstances")) for found in
				    ElementTree.fromstring(xml_of(message)).iter("SOPClass")))
		for message in written(t.work / name)]


with Test() as t:
	assert told("alone", FORWARDED, DOUBT) == [(BEGIN, 1), (NOT_TOLD, 1), (UNSURE, 1)]
	other = {**FORWARDED, "sop_instance": "1.2.9"}
	assert told("among", other, FORWARDED, DOUBT, {**other, "sop_instance": "1.2.8"}) == [
		(BEGIN, 1), (TAKEN, 2), (NOT_TOLD, 1), (HELD, 2), (UNSURE, 1)]
	all_of_them = [(BEGIN, 1), (TAKEN, 1), (NOT_TOLD, 1), (HELD, 1), (UNSURE, 1)]
	for name, first, second in (
			("again", FORWARDED, {**DOUBT, "total_ms": 251}),
			("another", other, DOUBT),
			("answered", FORWARDED, {**DOUBT, "reason": "destination-timeout"})):
		assert told(name, first, second) == all_of_them, name
