"""Goal: an association that came by a listener which a reload takes away, with its CAs and CRLs,
ends at its next instance; by one that stays it goes on."""
import dicom
from dicom import Aborted
from harness import Test
from objects import make


def listener(**more):
	return {"address": "127.0.0.1", "port": 0, "tls": {
		"certificate": f"{t.pki}/gateway.crt", "key": f"{t.pki}/gateway.key",
		"ca": f"{t.pki}/modalities-ca.crt"}, **more}


with Test() as t:
	gateway = t.gateway(t.pacs(), {"listen.0": listener(), "listen.1": listener()})
	context = dicom.client_context(t.pki, "angio")
	modalities = []
	for port in gateway.ports:
		modalities.append(dicom.Association(dicom.connect(port, context)))
		modalities[-1].request(contexts=[dicom.XA_CONTEXT])
		assert modalities[-1].store(make("explicit")).status == 0
	stays, goes = modalities
	gateway.reload({"listen.0": listener()})
	assert stays.store(make("explicit")).status == 0
	assert goes.store(make("explicit")).status == 0x0124
	try:
		goes.read_pdu()
		raise AssertionError("it goes on")
	except Aborted:
		pass
	goes.close()
	line = gateway.wait_audit(event="instance", reason="revoked-while-open")
	assert "listener" in line["detail"], line
	stays.release()
