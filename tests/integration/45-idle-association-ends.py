"""Goal: an association without instances ends after idle_seconds, on both legs; the
entry's own idle_seconds counts more, and 0 means never."""
import queue
import time

import dicom
from dicom import Aborted, Closed
from harness import Test, eventually
from objects import make


def is_ended(modality, patience):
	modality.sock.settimeout(patience)
	try:
		modality.read_pdu()
	except (Aborted, Closed):
		modality.close()
		return True
	except TimeoutError:
		return False


def note_end(association):
	association.accept()
	try:
		association.serve()
	except (Aborted, Closed):
		pass
	ends.put(time.monotonic())


with Test() as t:
	ends = queue.Queue()
	pacs = t.pacs(note_end)
	gateway = t.gateway(pacs, {"limits.idle_seconds": 5})
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0
	assert is_ended(modality, dicom.PATIENCE)
	ends.get(timeout=dicom.PATIENCE)
	gateway.wait_audit(event="association", outcome="aborted", reason="idle")
	eventually(lambda: not gateway.associations())

	own = t.gateway(pacs, {"limits.idle_seconds": 300, "modalities.0.idle_seconds": 5})
	assert is_ended(t.associate(own), dicom.PATIENCE)
	never = t.gateway(pacs, {"limits.idle_seconds": 3, "modalities.0.idle_seconds": 0})
	modality = t.associate(never)
	assert not is_ended(modality, 4)
