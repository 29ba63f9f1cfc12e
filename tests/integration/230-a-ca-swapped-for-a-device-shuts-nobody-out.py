"""Goal: a reload that would leave no certificate in `ca` by which anybody could come in, as
when a device's own is put in the place of its CA, is refused with the cure: open associations
and new ones go on by the set that is in force."""
import os
import shutil
import subprocess

from authority import Authority
from config import fingerprint
from harness import Test, cathgated
from objects import make

CLIENT = "extendedKeyUsage = clientAuth"


def swap(name):
	shutil.copy(t.pki / f"{name}.crt", t.pki / "next.crt")
	os.replace(t.pki / "next.crt", t.pki / "live.crt")


with Test() as t:
	shutil.copytree(t.pki, t.work / "tls")
	t.pki = t.work / "tls"
	ca = Authority(t.pki, "device-ca")
	for name in ("device", "other"):
		ca.issue(name, CLIENT)
	swap("device-ca")
	settings = {
		"listen.0.tls": {"certificate": f"{t.pki}/gateway.crt", "key": f"{t.pki}/gateway.key",
				 "ca": f"{t.pki}/live.crt"},
		"modalities.0.certificate.sha256": [fingerprint(t.pki / "device.crt")]}
	gateway = t.gateway(t.pacs(), settings)
	open_one = t.associate(gateway, "device")

	swap("other")
	assert "CN=other" in gateway.reload(settings, "refused")
	assert "put there the CA that signed it, or name its SHA-256" in gateway.log()
	checked = subprocess.run([cathgated(), "--check", "--config", gateway.config],
				 capture_output=True, text=True)
	assert checked.returncode == 1, checked
	assert "put there the CA that signed it" in checked.stdout + checked.stderr, checked
	assert open_one.store(make("explicit")).status == 0
	t.associate(gateway, "device").release()

	# Where an entry names it, it lets that one in.
	swap("device")
	gateway.wait_audit(event="reload", outcome="done")
	assert open_one.store(make("explicit")).status == 0
	t.associate(gateway, "device").release()
