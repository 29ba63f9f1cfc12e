"""Goal: a certificate or CRL that changes on disk counts without a signal, replaced or
written in place; of a pair that doesn't fit yet the old one stays until it does; the
configuration itself waits for its reload."""
import os
import pathlib
import shutil
import ssl
import subprocess

import dicom
from dicom import XA_CONTEXT, Rejection
from harness import ROOT, Test, eventually
from objects import make


def served():
	"""The certificate that the gateway shows."""
	context = dicom.client_context(t.pki, "angio")
	with dicom.connect(gateway.port, context) as sock:
		return ssl.DER_cert_to_PEM_cert(sock.getpeercert(True))


def openssl(command, name):
	subprocess.run(["openssl", *command.split()], cwd=tls, check=True, capture_output=True,
		       env={**os.environ, "CA": name,
			    "OPENSSL_CONF": str(ROOT / "certs/openssl.cnf")})


def crl(to):
	openssl(f"ca -name test_ca -gencrl -crldays 20 -out {to}", "modalities-ca")


def replace(name, by):
	"""As most programs do it: nobody sees half of it."""
	shutil.copy(by, tls / "next")
	os.replace(tls / "next", tls / name)


def overwrite(name, by):
	(tls / name).write_bytes(pathlib.Path(by).read_bytes())


with Test() as t:
	tls = t.work / "tls"
	shutil.copytree(t.pki, tls)
	shutil.copy(t.pki / "modalities.crl", tls / "live.crl")
	gateway = t.gateway(t.pacs(), {
		"listen.0.tls": {"certificate": f"{tls}/gateway.crt", "key": f"{tls}/gateway.key",
				 "ca": f"{tls}/modalities-ca.crt", "crl": f"{tls}/live.crl"}
		})

	# A CRL, replaced: who is on it is out, in an association that is open, too.
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0
	openssl("ca -name test_ca -revoke angio.crt", "modalities-ca")
	crl("new.crl")
	replace("live.crl", tls / "new.crl")
	line = gateway.wait_audit(event="reload", outcome="done")
	assert "CRL of CN=modalities-ca" in line["detail"], line
	assert modality.store(make("explicit")).status == 0x0124
	assert t.is_refused(gateway, "angio") and not t.is_refused(gateway, "echolab")

	# And written in place: let in again.
	overwrite("live.crl", t.pki / "modalities.crl")
	gateway.wait_audit_beyond(1, event="reload", outcome="done")
	t.associate(gateway).release()

	# Certificate first, key later; then key first, certificate later.
	before = served()
	for first, second in (("crt", "key"), ("key", "crt")):
		for part in ("key", "crt"):
			shutil.copy(t.pki / f"gateway-{'rsa' if first == 'crt' else 'soon'}.{part}",
				    tls / f"renewed.{part}")
		waits = gateway.log().count("don't fit together yet")
		replace(f"gateway.{first}", tls / f"renewed.{first}")
		eventually(lambda: gateway.log().count("don't fit together yet") > waits)
		assert served() == before, "the old pair stays in force"
		replace(f"gateway.{second}", tls / f"renewed.{second}")
		wanted = (tls / "renewed.crt").read_text()
		eventually(lambda: served().split() == wanted.split())
		before = served()
	assert not gateway.audit(event="reload", outcome="refused")

	# The configuration on disk may be half written: it is not looked at.
	done = len(gateway.audit(event="reload"))
	gateway.reconfigure({"modalities.0.ae_titles": ["OTHER"]})
	crl("live.crl")
	gateway.wait_audit_beyond(done, event="reload", outcome="done")
	assert isinstance(t.connect(gateway, "echolab").request(contexts=[XA_CONTEXT]), Rejection)
	assert not gateway.audit(reason="ae-unknown"), "CATHLAB3 is still known"

	# What never fits is refused in the end, once, and what was in force stays.
	(tls / "live.crl").write_text("nothing\n")
	line = eventually(lambda: gateway.audit(event="reload", outcome="refused"))[0]
	assert "live.crl" in line["detail"], line
	assert not t.is_refused(gateway, "echolab")
	assert len(gateway.audit(event="reload", outcome="refused")) == 1
