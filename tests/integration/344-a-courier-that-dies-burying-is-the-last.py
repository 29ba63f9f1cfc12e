"""Goal: three couriers are killed while they have an object, and so is the one that would
record it as dead. Then the spooler makes it dead by itself, and an alert says so; no other
courier gets it, and other objects are delivered."""
import os
import signal

import dicom
import spool
from harness import Test, child, descriptors, eventually
from objects import make

killed = []


def kill_courier():
	killed.append(child(gateway.pid, "courier"))
	os.kill(killed[-1], signal.SIGKILL)


def serve(association):
	association.accept()
	while (message := association.receive()) is not None:
		if message.command[0x1000] == poison.sop_instance:
			if len(killed) == 2:	# the next courier has to wait for it
				os.kill(auditor, signal.SIGSTOP)
			kill_courier()
			return
		association.respond(message)
	association.send(dicom.release_pdu(dicom.RELEASE_RP))


def burier():
	courier = child(gateway.pid, "courier")
	if courier in (None, *killed) or len(killed) != 3:
		return False
	descriptors(courier)	# skips the test where nobody may look
	try:
		return any(os.readlink(entry).endswith(".q")
			   for entry in os.scandir(f"/proc/{courier}/fd"))
	except OSError:
		return False	# one was closed meanwhile


with Test() as t:
	pacs = t.pacs(serve)
	gateway = t.gateway(pacs, {**spool.changes(t, retry_max_seconds=1),
				   "destinations.0.couriers": 1})
	auditor = child(gateway.pid, "auditor")
	poison = make("explicit", size=1000)
	modality = t.associate(gateway)
	assert modality.store(poison).status == 0
	eventually(burier)
	kill_courier()
	os.kill(auditor, signal.SIGCONT)
	eventually(lambda: spool.states(t) == ["x"])
	alert = gateway.wait_audit(event="alert", reason="spool-repeated-abort")
	assert "ended within it" in alert["detail"] and "refused" not in alert["detail"], alert
	assert modality.store(make("explicit", size=1000)).status == 0
	eventually(lambda: gateway.audit(event="delivery", outcome="forwarded"))
	modality.release()
	assert len(killed) == 4
