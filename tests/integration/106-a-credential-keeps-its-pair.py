"""Goal: a renewed certificate whose key is a systemd credential keeps the old pair, which is
read once at start, and says what to do; all else of that reload counts."""
import os
import shutil
import ssl
import subprocess

import dicom
from harness import Test, cathgated, eventually


def served():
	with dicom.connect(gateway.port, dicom.client_context(t.pki, "angio")) as sock:
		return ssl.DER_cert_to_PEM_cert(sock.getpeercert(True)).split()


with Test() as t:
	credentials = t.work / "credentials"
	credentials.mkdir()
	shutil.copy(t.pki / "gateway.key", credentials)
	(credentials / "gateway.key").chmod(0o440)	# as systemd shows them
	shutil.copy(t.pki / "gateway.crt", t.work)
	os.environ["CREDENTIALS_DIRECTORY"] = str(credentials)
	base = {"listen.0.tls.certificate": f"{t.work}/gateway.crt",
		"listen.0.tls.key": "credential:gateway.key"}
	gateway = t.gateway(t.pacs(), base)
	before = served()

	shutil.copy(t.pki / "gateway-soon.crt", t.work / "gateway.crt")
	eventually(lambda: "systemctl restart" in gateway.log())
	gateway.reload({**base, "modalities.0.ae_titles": ["OTHER"]})
	assert "the old pair stays in force" in gateway.log()
	assert served() == before
	t.associate(gateway, calling="OTHER").release()
	assert not gateway.audit(event="reload", outcome="refused")

	# At a start there is no old pair; a check says that it may not see the new key.
	done = subprocess.run([cathgated(), "--check", "--config", gateway.config], text=True,
			      capture_output=True, timeout=dicom.PATIENCE)
	assert done.returncode == 1 and "isn't the key" in done.stderr, done
	assert "credentials are read when the service starts" in done.stderr, done
	shutil.copy(t.pki / "gateway-soon.key", t.work)
	assert gateway.stop() == 0
	(credentials / "gateway.key").chmod(0o600)
	shutil.copy(t.work / "gateway-soon.key", credentials / "gateway.key")
	gateway.start()
	assert served() == (t.pki / "gateway-soon.crt").read_text().split()
