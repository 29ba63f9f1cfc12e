"""Goal: an association whose process crashes is recorded, its neighbour goes on, and what the
crash has told of the address layout is of no use: the next associations have another."""
import os
import signal

from crash import crash, newest, stop_after_crashes
from dicom import Aborted, Closed
from harness import Test, descriptors, eventually, is_alive
from layout import assert_apart, bases, needs_random_layouts
from objects import make


with Test() as t:
	needs_random_layouts()
	gateway = t.gateway(t.pacs())
	descriptors(gateway.pid)	# or only root may look
	bystander = t.associate(gateway)
	first = newest(gateway, [])
	modality = t.associate(gateway)
	second = newest(gateway, [first])
	assert bases(first) == bases(second), "both are of one forker"
	assert_apart([gateway.pid, gateway.helper("auditor"), second])

	forker = gateway.helper("forker")
	half = make("explicit", size=400000)
	modality.store_command(half)
	modality.send_data(1, half.data[:100000], last=False)
	crash(second)
	line = gateway.wait_audit(event="association", reason="internal")
	assert line["outcome"] == "aborted", line
	try:
		modality.read_pdu()
		raise AssertionError("an answer from the dead")
	except (Aborted, Closed):
		pass
	assert bystander.store(make("explicit")).status == 0
	successor = eventually(lambda: (new := gateway.helper("forker")) != forker and new)
	assert not is_alive(forker)
	later = t.associate(gateway)
	third = newest(gateway, [first])
	assert_apart([first, third])
	assert bases(third)["libc.so"] == bases(successor)["libc.so"]

	# Whoever is killed from outside has not crashed.
	os.kill(third, signal.SIGKILL)
	eventually(lambda: not is_alive(third))
	later.close()
	assert t.associate(gateway).store(make("explicit")).status == 0
	assert gateway.helper("forker") == successor
	bystander.release()
	stop_after_crashes(gateway)
