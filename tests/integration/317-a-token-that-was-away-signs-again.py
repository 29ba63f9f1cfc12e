"""Goal: a token that is away shuts the gateway, which says so and names the key; once the token is
back modalities get in again, without a reload. A token that refuses a key is asked once, by a
start, a reload or a keeper alike: it locks after a few wrong passwords."""
import json
import os
import shutil
import signal
import subprocess
import time

import dicom
from harness import Test, cathgate, cathgated, eventually
from tokens import keys_in, stores, tpm


def state():
	done = subprocess.run([cathgate(), "status", "--json", "--config", gateway.config],
			      capture_output=True, text=True, timeout=dicom.PATIENCE)
	return json.loads(done.stdout)["state"] if done.stdout else None


def alerts():
	return [line["detail"] for line in gateway.audit(event="alert", reason="internal")]


with Test() as t, tpm(t.work / "tpm") as token:
	crl = shutil.copy(t.pki / "modalities.crl", t.work)
	settings = {**keys_in(token, t.pki), "control.socket": f"{t.work}/control",
		    "listen.0.tls.crl": str(crl)}
	uri, = settings["destinations.0.tls.key"]
	gateway = t.gateway(t.pacs(), settings)
	stores(t, gateway)

	# No handshake gets its signature; the one that finds that out may be refused.
	token.stop()
	assert t.is_refused(gateway, "angio")
	eventually(lambda: state() == "without-keeper" and alerts())
	gateway.wait_log("the token doesn't sign any more")
	token.start()
	eventually(lambda: state() == "serving")
	stores(t, gateway)
	# Each text once: the TPM may have been half up.
	assert all("handle:0x81000001: " in detail for detail in alerts()), alerts()
	assert len(set(alerts())) == len(alerts()), alerts()

	# Keys with a password: three of the configuration's are refused by one try.
	def put_closed(name, kind):
		return token.put(t.pki / name, kind, password="secret")
	closed = {**settings, "listen.0.tls.key": [put_closed("gateway.key", "ecc"),
						   put_closed("gateway-rsa.key", "rsa")],
		  "destinations.0.tls.key": [put_closed("gateway-client.key", "ecc")]}
	counted = token.wrong_passwords()
	told = gateway.reload(closed, "refused")
	first, *others = (*closed["listen.0.tls.key"], *closed["destinations.0.tls.key"])
	assert f"the first of 3 errors: {gateway.config}" in told and first in told, told
	gateway.wait_log("the key has a password, which nobody could type")
	for other in others:
		gateway.wait_log(f"{other}: not asked for, since {first} was refused")
	assert token.wrong_passwords() == counted + 1
	stores(t, gateway)
	other = t.configured(1, closed)
	done = subprocess.run([cathgated(), "--config", other.config, "--foreground"],
			      capture_output=True, text=True, timeout=dicom.PATIENCE)
	assert done.returncode == 3, (done.returncode, done.stderr)
	assert token.wrong_passwords() == counted + 2
	t.gateways.remove(other)

	# A keeper that is refused waits for a reload.
	gateway.reload(settings)
	token.unlock()
	token.forget(uri)
	token.put(t.pki / "gateway-client.key", "ecc", password="secret", uri=uri)
	counted = token.wrong_passwords()
	os.kill(gateway.helper("keeper"), signal.SIGKILL)
	eventually(lambda: state() == "without-keeper" and
		   f"destinations[0].tls.key[0]: {uri}: " in alerts()[-1])
	time.sleep(2)
	assert token.wrong_passwords() == counted + 1
	# Files that change have it asked no more, either.
	shutil.copy(t.pki / "modalities.crl", t.work / "new.crl")
	os.replace(t.work / "new.crl", crl)
	gateway.wait_log("they are not read, since a token has refused a key")
	assert token.wrong_passwords() == counted + 1
	token.forget(uri)
	token.put(t.pki / "gateway-client.key", "ecc", uri=uri)
	gateway.reload(settings)
	stores(t, gateway)
