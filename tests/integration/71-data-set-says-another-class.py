"""Goal: what the data set calls itself counts as much as what the command says: an object
of a SOP class that the entry doesn't allow is refused with 0124, and the PACS never gets
the whole of it."""
from dicom import PATIENCE, XA_CONTEXT
from harness import Test
from objects import DEFLATED, DOSE_SR, EXPLICIT, IMPLICIT, XA, make

CLAIMED = {0x0002: XA}
CONTEXTS = [(1, XA, [EXPLICIT]), (3, XA, [IMPLICIT]), (5, XA, [DEFLATED])]

with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs, {"modalities.0.sop_classes": [XA]})
	modality = t.associate(gateway, contexts=CONTEXTS)
	for context, _, (syntax,) in CONTEXTS:
		for size in (100, 1000000):	# in one fragment, and in many
			obj = make("dose-sr", size, syntax)
			status = modality.store(obj, context, elements=CLAIMED).status
			assert status == 0x0124, f"{status:04X} in {syntax}"
			line, = gateway.audit(event="instance",
					      sop_instance=obj.sop_instance)
			assert line["outcome"] == "refused", line
			assert line["reason"] == "sop-class-not-allowed", line
			assert pacs.stored.empty()
		obj = make("explicit", syntax=syntax)
		assert modality.store(obj, context).status == 0
		assert pacs.stored.get(timeout=PATIENCE).data == obj.data

	lenient = t.gateway(pacs, {"modalities.0.sop_classes": [XA, DOSE_SR]})
	obj = make("dose-sr")
	modality = t.associate(lenient, contexts=[XA_CONTEXT])
	assert modality.store(obj, elements=CLAIMED).status == 0, "both are allowed"
