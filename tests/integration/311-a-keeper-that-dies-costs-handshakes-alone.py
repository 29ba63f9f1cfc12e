"""Goal: a keeper that is killed costs the handshakes that are under way and nothing else: an open
association goes on, also when it must call the PACS anew, and others get in at once."""
import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import dicom
from dicom import XA_CONTEXT, LateContext, Rejection
from harness import Test, child, eventually, is_alive
from objects import make


def kill_keeper():
	before = gateway.helper("keeper")
	os.kill(before, signal.SIGKILL)
	eventually(lambda: not is_alive(before))
	return before


def await_keeper(before):
	return eventually(lambda: (now := child(gateway.pid, "keeper")) not in (None, before) and now)


def leave_once(association):
	"""The PACS answers one instance, and then closes."""
	association.accept()
	association.respond(association.receive())
	association.close()


with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs)
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0

	# Idle: the next one gets in.
	await_keeper(kill_keeper())
	t.associate(gateway).release()
	assert "another keeper has read the private keys" in gateway.log()

	# One has begun its handshake, and is asked for more by the gateway afterwards.
	context = dicom.client_context(t.pki, "angio")
	begun = socket.create_connection(("127.0.0.1", gateway.port))
	eventually(lambda: gateway.associations())
	await_keeper(kill_keeper())
	try:
		context.wrap_socket(begun, server_hostname="gateway.test").recv(1)
		raise AssertionError("it had a signature of a keeper that was dead")
	except OSError:
		pass
	line = gateway.wait_audit(event="association", reason="internal")
	assert "the keeper" in line["detail"], line
	assert modality.store(make("explicit")).status == 0

	# In the handshake with the PACS, whose context waits: that association alone is refused.
	right, pacs.context = pacs.context, LateContext(pacs.context)
	late = pacs.context
	other = t.connect(gateway)
	with ThreadPoolExecutor() as pool:
		answer = pool.submit(other.request, contexts=[XA_CONTEXT])
		assert late.came.wait(dicom.PATIENCE)
		await_keeper(kill_keeper())
		late.word.set()
		assert isinstance(answer.result(), Rejection), answer.result()
	pacs.context = right
	assert modality.store(make("explicit")).status == 0
	modality.release()

	# Between two calls of the PACS: the same association calls it again.
	pacs.script = leave_once
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0
	pacs.script = pacs.behave
	kill_keeper()
	assert modality.store(make("explicit")).status == 0
	modality.release()
