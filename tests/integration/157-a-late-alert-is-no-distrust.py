"""Goal: a TLS alert in mid-object is a peer that is gone, not one that distrusts the
gateway: peer-lost on the modality's side, destination-lost on the PACS's, each with the
alert's name. What the modality heard of it is a failure, and its next object arrives."""
import queue
import socket

import dicom
from dicom import Association
from harness import Test, eventually
from objects import make
from tls_engine import Engine


def half(association, obj):
	association.store_command(obj)
	association.send_data(1, obj.data[:len(obj.data) // 2 & ~1], last=False)


class Pacs(dicom.Pacs):
	"""Its first association ends with an alert in mid-object."""

	def run(self, sock):
		if self.connections > 1:
			super().run(sock)
			return
		engine = Engine(sock, self.context, server_side=True)
		association = Association(engine)
		association.accept()
		association.receive_command()
		association.read_pdv()
		engine.send_alert()
		alerted.put(True)


def end_of(gateway, obj):
	return gateway.wait_audit(event="instance", sop_instance=obj.sop_instance)


with Test() as t:
	alerted = queue.Queue()
	pacs = Pacs(dicom.server_context(t.pki, "pacs"))
	gateway = t.gateway(pacs, {"limits.max_pdu_bytes": 16384})

	modality, obj = t.associate(gateway), make("explicit", 100000)
	half(modality, obj)
	assert alerted.get(timeout=dicom.PATIENCE)
	modality.send_data(1, obj.data[len(obj.data) // 2 & ~1:])
	response = modality.receive()
	assert response.status == 0xA701, f"{response.status:04X}"
	line = end_of(gateway, obj)
	assert (line["outcome"], line["reason"]) == ("failed", "destination-lost"), line
	assert "alert" in line["detail"] and "bad record mac" in line["detail"], line
	assert modality.store(make("explicit")).status == 0
	modality.release()

	engine = Engine(socket.create_connection(("127.0.0.1", gateway.port)),
			dicom.client_context(t.pki, "angio"), server_hostname="gateway.test")
	modality, obj = Association(engine), make("explicit", 100000)
	modality.request(contexts=[dicom.XA_CONTEXT])
	half(modality, obj)
	engine.send_alert()
	line = end_of(gateway, obj)
	assert (line["outcome"], line["reason"]) == ("failed", "peer-lost"), line
	assert "bad record mac" in line["detail"], line
	line = gateway.wait_audit(event="association", outcome="aborted")
	assert line["reason"] == "peer-lost", line
	eventually(lambda: not gateway.associations())
	assert t.associate(gateway).store(make("explicit")).status == 0
