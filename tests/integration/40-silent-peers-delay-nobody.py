"""Goal: clients that are silent, silent after TLS, or drip a byte at a time cost a good one
nothing, and are cut off in time, each with its reason."""
import socket
import threading
import time

import dicom
from dicom import XA_CONTEXT
from harness import Test
from objects import make


def drip(association):
	"""An A-ASSOCIATE-RQ, ten bytes a second: every read succeeds, the whole never."""
	try:
		for byte in dicom.associate_rq(contexts=[XA_CONTEXT]):
			association.send(bytes([byte]))
			time.sleep(0.1)
	except OSError:
		cut_off.set()


with Test() as t:
	gateway = t.gateway(t.pacs(), {"limits.handshake_seconds": 10,
				       "limits.associate_seconds": 10})
	silent = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(20)]
	after_tls = [t.connect(gateway) for _ in range(20)]
	cut_off = threading.Event()
	threading.Thread(target=drip, args=(t.connect(gateway),), daemon=True).start()

	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0
	modality.release()

	for sock in silent:
		sock.settimeout(dicom.PATIENCE)
		assert sock.recv(1) == b""
	assert cut_off.wait(dicom.PATIENCE), "the dripping client was not cut off"
	gateway.wait_audit(event="association", outcome="refused", reason="handshake-timeout")
	gateway.wait_audit(event="association", outcome="refused", reason="associate-timeout")
	stored, = gateway.audit(event="instance", outcome="forwarded")
	assert stored["seq"] < min(line["seq"] for line in gateway.audit(outcome="refused")), \
		"the good one waited for the others' end"
	assert after_tls
