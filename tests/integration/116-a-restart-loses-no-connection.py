"""Goal: while the gateway restarts, the socket stays open: what comes meanwhile waits and is
served, and an instance in hand finishes first."""
import socket
import threading

import dicom
from dicom import XA_CONTEXT, Association, Request
from harness import Test, eventually
from objects import make


def take(association):
	association.accept()
	association.await_pdv()
	in_hand.set()
	association.serve(stored=pacs.stored)


def come():
	association = Association(dicom.connect(port, dicom.client_context(t.pki, "angio")))
	assert isinstance(association.request(contexts=[XA_CONTEXT]), Request)
	served.append(association.store(make("explicit")).status)
	association.release()


with Test() as t:
	server = socket.create_server(("127.0.0.1", 0), backlog=64)
	port = server.getsockname()[1]
	in_hand = threading.Event()
	pacs = t.pacs(take)
	gateway = t.configured(pacs, {"listen.0.address": None, "listen.0.port": None,
					  "listen.0.socket": "dicom-tls",
					  "limits.grace_seconds": 20})
	gateway.start(sockets=[("dicom-tls", server)])
	obj, served = make("explicit", size=400000), []
	modality = t.associate(gateway)
	modality.store_command(obj)
	modality.send_data(1, obj.data[:200000], last=False)
	assert in_hand.wait(dicom.PATIENCE)
	gateway.signal()
	eventually(lambda: "stopping" in gateway.log())

	comers = [threading.Thread(target=come, daemon=True) for _ in range(20)]
	for comer in comers:
		comer.start()
	modality.send_data(1, obj.data[200000:], last=True)
	assert modality.receive().status == 0
	assert gateway.process.wait(dicom.PATIENCE) == 0
	assert not served, "who came while it stopped was served by it"
	gateway.start(sockets=[("dicom-tls", server)])
	for comer in comers:
		comer.join(dicom.PATIENCE)
	assert served == [0] * 20, served
	assert len(gateway.audit(event="instance", outcome="forwarded")) == 21
