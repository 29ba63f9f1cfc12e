"""Goal: in spool.mode "always" the modality's objects are acknowledged while the PACS is
away, and the PACS has each of them, bit for bit and once, when it is there; the log says
both, and nothing waits in the spool any more."""
import socket

import spool
from dicom import Pacs, server_context
from harness import Test, eventually
from objects import make



def free_port():
	with socket.socket() as sock:
		sock.bind(("127.0.0.1", 0))
		return sock.getsockname()[1]


with Test() as t:
	port = free_port()
	gateway = t.gateway(port, spool.changes(t))
	sent = [make("explicit", size=size) for size in (100, 70000, 65536, 1, 500000)]
	modality = t.associate(gateway)
	for obj in sent:
		assert modality.store(obj).status == 0
	modality.release()
	lines = gateway.wait_audit(event="instance", outcome="spooled")
	assert [line["sha256"] for line in gateway.audit(event="instance")] == \
		[obj.sha256 for obj in sent]
	assert len(spool.names(t, "q")) == len(sent)

	pacs = Pacs(server_context(t.pki, "pacs", "hospital-ca"), port=port)
	t.peers.append(pacs)
	eventually(lambda: len(gateway.audit(event="delivery", outcome="forwarded")) == len(sent))
	stored = [pacs.stored.get_nowait() for _ in range(pacs.stored.qsize())]
	assert sorted(message.data for message in stored) == sorted(obj.data for obj in sent)
	spool.wait_delivered(t)
	spooled = {line["sop_instance"]: line for line in gateway.audit(event="instance")}
	for line in gateway.audit(event="delivery", outcome="forwarded"):
		instance = spooled[line["sop_instance"]]
		for member in ("association", "modality", "calling_ae", "sop_class", "study",
			       "patient", "transfer_syntax", "bytes", "sha256"):
			assert line.get(member) == instance.get(member), (member, line, instance)
