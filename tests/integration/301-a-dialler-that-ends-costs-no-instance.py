"""Goal: the process that opens the connections to PACSs may end, hang or be replaced by a reload
at any moment: it costs no instance. What waits for it goes on with its successor; a modality
that hangs up meanwhile is noticed, and connect_seconds end the wait. A name service that hangs
holds up no connection."""
import os
import signal
import threading

import dicom
from dicom import PATIENCE, XA_CONTEXT, Impatient, Rejection
from harness import Skip, Test, eventually, is_alive
from objects import make
from steps import can_trace, traced


def goes_on(modality, impatient=None):
	assert modality.store(make("explicit")).status == 0
	assert not impatient or impatient.has_left()


class Amid:
	"""The dialler stops amid the next connection that it opens."""

	def __init__(self, gateway):
		self.pid = gateway.helper("dialler")
		self.log = t.work / f"calls-{self.pid}"
		self.tracer = traced(self.pid, "socket", self.log,
				     "-e", "inject=socket:signal=SIGSTOP")

	def __enter__(self):
		self.tracer.__enter__()
		return self

	def __exit__(self, *how):
		self.tracer.__exit__(*how)

	def wait(self):
		eventually(lambda: "stopped by SIGSTOP" in self.log.read_text())

	def kill(self):
		os.kill(self.pid, signal.SIGKILL)


def in_background(modality):
	"""Stores; a function that waits for the status."""
	came = []
	thread = threading.Thread(target=lambda: came.append(
		modality.store(make("explicit")).status))
	thread.start()

	def status():
		thread.join(PATIENCE)
		return came[0]
	return status


def between_connections():
	pacs = t.pacs()
	gateway = t.gateway(pacs)
	gateway.replace("dialler")	# idle
	modality = t.associate(gateway)
	goes_on(modality)
	gateway.replace("dialler")	# nobody needs it now
	goes_on(modality)
	assert pacs.connections == 1
	modality.release()
	gateway.wait_log("the dialler ended")

	impatient = Impatient()
	leaves = t.pacs(impatient)
	gateway = t.gateway(leaves)
	modality = t.associate(gateway)
	goes_on(modality, impatient)
	for count in range(2, 5):	# there is none, or another, when it is needed
		os.kill(gateway.helper("dialler"), signal.SIGKILL)
		goes_on(modality, impatient)
		assert leaves.connections == count
	modality.release()


def amid_a_connection():
	impatient = Impatient()
	gateway = t.gateway(t.pacs(impatient))
	modality = t.associate(gateway)
	goes_on(modality, impatient)
	with Amid(gateway) as dialler:
		status = in_background(modality)
		dialler.wait()
		dialler.kill()
		assert status() == 0 and impatient.has_left(), "its successor was not asked"
	# A reload sends it elsewhere, and ends the one that hangs.
	moved = t.pacs()
	with Amid(gateway) as dialler:
		status = in_background(modality)
		dialler.wait()
		gateway.reload({"destinations.0.port": moved.port})
		assert status() == 0, "the dialler of before the reload was waited for"
	assert moved.connections > 0
	eventually(lambda: not is_alive(dialler.pid))
	modality.release()


def while_stopping():
	"""The instance in hand has its grace, and still needs a connection."""
	impatient = Impatient()
	gateway = t.gateway(t.pacs(impatient), {"limits.grace_seconds": 60})
	modality = t.associate(gateway)
	goes_on(modality, impatient)
	with Amid(gateway) as dialler:
		status = in_background(modality)
		dialler.wait()
		gateway.signal(signal.SIGTERM)
		gateway.wait_log("stopping: ")
		dialler.kill()
		assert status() == 0, "no other was started while stopping"
		assert gateway.process.wait(PATIENCE) == 0


def one_that_hangs():
	impatient = Impatient()
	pacs = t.pacs(impatient)
	gateway = t.gateway(pacs, {"limits.connect_seconds": 5})
	dialler = gateway.helper("dialler")
	modality = t.associate(gateway)
	goes_on(modality, impatient)
	os.kill(dialler, signal.SIGSTOP)
	assert modality.store(make("explicit")).status == 0xA700
	line = gateway.wait_audit(event="instance", outcome="failed")
	assert (line["reason"], line["detail"]) == (
		"internal", "the gateway itself opened no connection in time"), line
	assert t.connect(gateway).request(contexts=[XA_CONTEXT]) == Rejection(2, 3, 1)
	# What comes of the request that was given up is taken for no other's.
	os.kill(dialler, signal.SIGCONT)
	goes_on(modality, impatient)
	modality.release()

	# Meanwhile the modality is watched.
	impatient = Impatient()
	patient = t.gateway(t.pacs(impatient), {"limits.connect_seconds": 300})
	modality = t.associate(patient)
	goes_on(modality, impatient)
	dialler = patient.helper("dialler")
	os.kill(dialler, signal.SIGSTOP)
	modality.store_command(make("explicit"))
	modality.close()
	line = patient.wait_audit(event="instance", outcome="failed")
	assert line["reason"] == "peer-lost", line
	# And an order to stop is heard.
	modality = t.connect(patient)
	modality.send(dicom.associate_rq(contexts=[XA_CONTEXT]))
	eventually(patient.associations)
	assert patient.stop() == 0


def a_name_service_that_hangs():
	gateway = t.gateway(t.pacs(), {"destinations.0.host": "localhost"})
	goes_on(t.associate(gateway))	# the name has an address
	resolver = gateway.helper("resolver")
	os.kill(resolver, signal.SIGSTOP)
	goes_on(t.associate(gateway))
	os.kill(resolver, signal.SIGCONT)


with Test() as t:
	if not can_trace():
		raise Skip("this machine lets nobody trace a process")
	os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
	between_connections()
	amid_a_connection()
	while_stopping()
	one_that_hangs()
	a_name_service_that_hangs()
