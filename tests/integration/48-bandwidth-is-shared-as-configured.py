"""Goal: what holds an object back on the gateway's side doesn't count as the modality's
slowness, even where its share of max_bytes_per_second is below min_bytes_per_second."""
import time

from dicom import PATIENCE
from harness import Test
from objects import EXPLICIT, XA, Object, new_uid

with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs, {"modalities.0.max_bytes_per_second": 1000000,
				   "limits.store_seconds": 5,
				   "limits.min_bytes_per_second": 1000000})
	modality = t.associate(gateway)
	other = t.associate(gateway)	# takes half of the bytes and sends none
	obj = Object(XA, new_uid(), EXPLICIT, bytes(4000000))
	began = time.monotonic()
	assert modality.store(obj).status == 0
	took = time.monotonic() - began
	# Half a megabyte may come at once, and the rest takes seven seconds. A slow machine
	# takes longer. Below store_seconds this test would show nothing.
	assert took > 6, f"4 MB at 0.5 MB/s took {took:.1f} s"
	assert pacs.stored.get(timeout=PATIENCE).data == obj.data
	other.release()
