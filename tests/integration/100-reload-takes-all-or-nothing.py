"""Goal: on SIGHUP the configuration is checked, then in force at once for whoever comes; one
with a fault changes nothing and names file and line; the audit log says what changed."""
import dicom
from dicom import XA_CONTEXT, Rejection
from harness import Test
from objects import make
from wait import free_ports

ECHOLAB = {"name": "echolab", "ae_titles": ["ECHOLAB"], "called_ae_titles": ["CATHGATE"],
	   "certificate": {"dns": ["echolab.test"]}, "destination": "pacs"}


def TLS(test):
	return {"certificate": f"{test.pki}/gateway.crt", "key": f"{test.pki}/gateway.key",
		"ca": f"{test.pki}/modalities-ca.crt"}


def listens(port):
	try:
		dicom.connect(port).close()
	except ConnectionRefusedError:
		return False
	return True


with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs)
	assert isinstance(t.connect(gateway, "echolab").request(
		calling="ECHOLAB", contexts=[XA_CONTEXT]), Rejection)

	added = {"modalities.1": ECHOLAB}
	assert gateway.reload(added) == "modality echolab added"
	new = t.connect(gateway, "echolab")
	assert not isinstance(new.request(calling="ECHOLAB", contexts=[XA_CONTEXT]), Rejection)
	assert new.store(make("explicit")).status == 0
	new.release()
	assert gateway.reload() == "nothing has changed"

	detail = gateway.reload({**added, "modalities.0.ae_titles": "CATHLAB3"}, "refused")
	assert "modalities[0].ae_titles" in detail, detail
	assert f"{gateway.config}:" in gateway.log() and "reload refused" in gateway.log()
	new = t.connect(gateway, "echolab")
	assert not isinstance(new.request(calling="ECHOLAB", contexts=[XA_CONTEXT]), Rejection)
	new.release()

	# A file that isn't there, and a port that somebody else has.
	gateway.reload({"listen.0.tls.crl": f"{t.pki}/nothing.crl"}, "refused")
	gateway.reload({"listen.1": {"address": "127.0.0.1", "port": pacs.port,
				     "tls": "none"}}, "refused")
	assert gateway.log().count("reload refused") == 3

	# Listeners come and go; the port of the first stays open all the while.
	port, = free_ports(1)
	more = {"listen.1": {"address": "127.0.0.1", "port": port, "tls": "none"}}
	detail = gateway.reload({**more, "audit.file": f"{gateway.folder}/other.jsonl",
				 "limits.idle_seconds": 60, "gateway.name": "other"})
	assert f"listener 127.0.0.1 port {port} added" in detail, detail
	assert "modality echolab removed" in detail, detail
	assert "limits.idle_seconds 300 to 60" in detail, detail
	assert "not before a restart: gateway.name, audit.file" in detail, detail
	assert gateway.audit()[-1]["node"] == "test", "what can't change stays"
	assert listens(port) and listens(gateway.port)
	# The address that stands for all takes the place of one of them, on the same port.
	everywhere = {"listen.1": {"address": "0.0.0.0", "port": port, "tls": TLS(t)}}
	gateway.reload(everywhere)
	assert dicom.connect(port, address="127.0.0.2"), "it listens at all addresses now"
	everywhere["listen.1"]["address"] = "127.0.0.1"
	gateway.reload(everywhere)
	t.associate(gateway).release()
	gateway.reload({})
	assert not listens(port)
