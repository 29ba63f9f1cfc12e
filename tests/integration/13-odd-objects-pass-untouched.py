"""Goal: whatever a modality calls a data set passes bit for bit: private SOP classes and
transfer syntaxes, odd lengths, what no parser would like; in PDUs of any size."""
import os

from dicom import PATIENCE
from harness import Test
from objects import EXPLICIT, KINDS, XA, Object, make, new_uid

TINY = 4096


def odd_objects():
	yield from (make(kind) for kind in KINDS)
	yield Object(XA, new_uid(), EXPLICIT, os.urandom(50001))	# not DICOM at all
	yield Object(XA, new_uid(), EXPLICIT, b"")
	yield make("implicit", syntax="1.2.840.10008.1.2.4.201")	# HTJ2K: new to DCMTK
	yield make("explicit", size=5000000)


def accept_slowly(association):
	"""A PACS with the smallest PDUs."""
	association.accept(max_pdu=TINY)
	association.serve(stored=tiny.stored)


def compare(gateway, pacs):
	for obj in odd_objects():
		modality = t.associate(gateway,
				       contexts=[(7, obj.sop_class, [obj.transfer_syntax])])
		assert modality.store(obj, 7).status == 0
		modality.release()
		came = pacs.stored.get(timeout=PATIENCE)
		assert came.data == obj.data, f"{obj.transfer_syntax} changed"
		assert came.context == 7 and came.command[0x1000] == obj.sop_instance
		line, = gateway.audit(event="instance", sop_instance=obj.sop_instance)
		assert line["outcome"] == "forwarded" and line["status"] == "0000", line
		assert line["sha256"] == obj.sha256 and line["bytes"] == len(obj.data), line
		assert line["transfer_syntax"] == obj.transfer_syntax, line
		assert line["sop_class"] == obj.sop_class, line


with Test() as t:
	pacs = t.pacs()
	compare(t.gateway(pacs), pacs)
	tiny = t.pacs(accept_slowly)
	compare(t.gateway(tiny), tiny)
