"""Goal: an object over max_object_bytes gets A7xx, the PACS never gets the whole of it, and
the next one passes; an object of just that size passes too. One that never ends ends the
association."""
from dicom import PATIENCE, Aborted, Closed
from harness import Test
from objects import EXPLICIT, XA, Object, new_uid

LIMIT = 100000

with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs, {"limits.max_object_bytes": LIMIT})
	modality = t.associate(gateway)
	for size, fits in ((LIMIT, True), (LIMIT + 2, False), (LIMIT + LIMIT // 2, False),
			   (LIMIT, True)):
		obj = Object(XA, new_uid(), EXPLICIT, bytes(size))
		status = modality.store(obj).status
		line, = gateway.audit(event="instance", sop_instance=obj.sop_instance)
		if fits:
			assert status == 0 and line["outcome"] == "forwarded", line
			assert pacs.stored.get(timeout=PATIENCE).data == obj.data
		else:
			assert status & 0xFF00 == 0xA700, f"{status:04X}"
			assert line["outcome"] in ("refused", "failed"), line
			assert line["reason"] == "limit-object", line
			assert pacs.stored.empty()
	endless = Object(XA, new_uid(), EXPLICIT, bytes(100 * LIMIT))
	try:
		assert modality.store(endless).status & 0xFF00 == 0xA700
	except (Aborted, Closed, OSError):
		gateway.wait_audit(event="association", outcome="aborted",
				   reason="limit-object")
	assert gateway.audit(event="instance", reason="limit-object",
			     sop_instance=endless.sop_instance)
	assert pacs.stored.empty()
