"""Goal: "called AE title not recognized" is told apart by its sender, gateway or PACS, with the
titles of both calls, and that a C-ECHO proves nothing of the PACS is said, in diagnose and on
the page for the modality's engineer."""
import json

from dicom import XA_CONTEXT, Rejection
from harness import Test, tool

UNKNOWN = Rejection(1, 1, 7)


def diagnosed(gateway):
	told = json.loads(tool("diagnose", "--modality", "angio", "--json", "--config",
			       gateway.config, status=1))
	text = tool("diagnose", "--modality", "angio", "--config", gateway.config, status=1)
	return told, " ".join(text.decode().split())


def rejected(t, gateway, reason, **titles):
	before = len(gateway.audit(reason=reason))
	assert t.connect(gateway).request(contexts=[XA_CONTEXT], **titles) == UNKNOWN
	gateway.wait_audit_beyond(before, outcome="refused", reason=reason)
	return diagnosed(gateway)


def page(t):
	"""What `modality add` writes for the engineer."""
	folder = t.work / "site"
	if not folder.exists():
		tool("setup", "--directory", folder, "--log-directory", t.work,
		     "--listen", "127.0.0.1", "--host", "gw.test", "--pacs-host", "127.0.0.1",
		     "--pacs-port", "104", "--pacs-ae-title", "PACS", "--pacs-ca",
		     t.pki / "hospital-ca.crt", "--pacs-server-name", "pacs.test")
	tool("modality", "add", "angio", "--ae-title", "CATHLAB3", "--output",
	     t.work / "angio", "--config", folder / "cathgate.conf")
	return " ".join((t.work / "angio/angio.txt").read_text().split())


with Test() as t:
	gateway = t.gateway(t.pacs(lambda association: association.reject(1, 1, 7)))
	told, text = rejected(t, gateway, "called-ae-unknown", called="ELSEWHERE")
	assert "It was the gateway that rejected it" in told["cure"], told
	told, text = rejected(t, gateway, "destination-rejected")
	assert "as CATHLAB3 it called the gateway CATHGATE, which took it" in told["cure"], told
	assert "The gateway, as CATHLAB3, then called the PACS PACS" in told["cure"], told
	assert "doesn't know the called AE title" in told["cure"], told
	assert "The modality fits" in text, text
	gateway.reload({"destinations.0.calling_ae_title": "GATE"})
	told, text = rejected(t, gateway, "destination-rejected")
	assert "The gateway, as GATE, then called the PACS PACS" in told["cure"], told

	assert told["echo"] == "gateway" and "only an image proves the way" in text, text
	gateway.reload({"modalities.0.echo": "destination"})
	told, text = diagnosed(gateway)
	assert told["echo"] == "destination" and "answered by the PACS, through" in text, text

	said = page(t)
	assert "up to the gateway, not the PACS: send an image" in said, said
	assert "called-ae-unknown: correct its AE title at the modality" in said, said
	assert "its line says destination-rejected" in said, said
