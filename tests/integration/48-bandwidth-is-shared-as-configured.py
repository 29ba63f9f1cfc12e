"""Goal: max_bytes_per_second holds an object back, which doesn't count as slowness."""
import time

from dicom import PATIENCE
from harness import Test
from objects import EXPLICIT, XA, Object, new_uid

with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs, {"modalities.0.max_bytes_per_second": 1000000,
				   "limits.store_seconds": 1,
				   "limits.min_bytes_per_second": 900000})
	modality = t.associate(gateway)
	obj = Object(XA, new_uid(), EXPLICIT, bytes(3000000))
	began = time.monotonic()
	assert modality.store(obj).status == 0
	took = time.monotonic() - began
	assert took > 1.5, f"3 MB at 1 MB/s took {took:.1f} s"
	assert pacs.stored.get(timeout=PATIENCE).data == obj.data
