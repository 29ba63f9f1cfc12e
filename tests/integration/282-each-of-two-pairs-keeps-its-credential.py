"""Goal: of two pairs side by side whose keys are systemd credentials, one whose certificate is
renewed keeps its old pair until a restart, and the other one is untouched; whichever order the
configuration names them in."""
import os
import re
import shutil
import subprocess

import dicom
from harness import Test, eventually

SIGNATURES = {"gateway": "ecdsa_secp256r1_sha256", "gateway-rsa": "rsa_pss_rsae_sha256"}


def served(kind):
	done = subprocess.run(
		["openssl", "s_client", "-connect", f"127.0.0.1:{gateway.port}", "-tls1_3",
		 "-sigalgs", SIGNATURES[kind], "-CAfile", t.pki / "hospital-ca.crt"],
		capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=dicom.PATIENCE)
	return re.search("-----BEGIN.*?-----END CERTIFICATE-----", done.stdout, re.S)[0].split()


def tls(*names):
	return {"listen.0.tls.certificate": [f"{t.work}/{name}.crt" for name in names],
		"listen.0.tls.key": [f"credential:{name}.key" for name in names]}


def as_on_disk(name):
	return (t.pki / f"{name}.crt").read_text().split()


with Test() as t:
	credentials = t.work / "credentials"
	credentials.mkdir()
	for name in ("gateway", "gateway-rsa"):
		shutil.copy(t.pki / f"{name}.key", credentials)
		(credentials / f"{name}.key").chmod(0o440)	# as systemd shows them
		shutil.copy(t.pki / f"{name}.crt", t.work)
	os.environ["CREDENTIALS_DIRECTORY"] = str(credentials)
	gateway = t.gateway(t.pacs(), tls("gateway", "gateway-rsa"))
	for name in SIGNATURES:
		assert served(name) == as_on_disk(name)

	# EC is renewed: that pair stays, with words about that file alone.
	shutil.copy(t.pki / "gateway-soon.crt", t.work / "gateway.crt")
	eventually(lambda: "systemctl restart" in gateway.log())
	for names in (("gateway", "gateway-rsa"), ("gateway-rsa", "gateway")):
		gateway.reload({**tls(*names), "modalities.0.ae_titles": ["OTHER", names[0].upper()]})
		for name in SIGNATURES:
			assert served(name) == as_on_disk(name), (names, name)
	assert not gateway.audit(event="reload", outcome="refused")
	assert f"{t.work}/gateway.crt holds a new certificate" in gateway.log()
	assert f"{t.work}/gateway-rsa.crt holds a new certificate" not in gateway.log()
