"""Goal: a token that is away shuts the gateway, which says so and names the key; once the token is
back modalities get in again, without a reload. A token that refuses a key is asked once, by a
start, a reload or a keeper alike: it locks after a few wrong passwords."""
import json
import os
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
	settings = {**keys_in(token, t.pki), "control.socket": f"{t.work}/control"}
	uri, = settings["destinations.0.tls.key"]
	gateway = t.gateway(t.pacs(), settings)
	stores(t, gateway)

	# No handshake gets its signature; the one that finds that out may be refused.
	token.stop()
	assert t.is_refused(gateway, "angio")
	eventually(lambda: state() == "without-keeper")
	assert any("handle:0x81000001: " in detail for detail in alerts()), alerts()
	gateway.wait_log("the token doesn't sign any more")
	token.start()
	eventually(lambda: state() == "serving")
	stores(t, gateway)
	assert len(alerts()) == 1, alerts()

	# A key with a password: three of the configuration's are refused by one try.
	closed = {key: [token.put(t.pki / name, "ecc", password="secret")] for key, name in
		  (("listen.0.tls.key", "gateway.key"), ("destinations.0.tls.key", "gateway-client.key"))}
	closed = {**settings, **closed, "listen.0.tls.certificate": [str(t.pki / "gateway.crt")]}
	counted = token.wrong_passwords()
	gateway.reload(closed, "refused")
	gateway.wait_log("the key has a password, which nobody could type")
	gateway.wait_log("not asked for, since a token has refused another key")
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
	eventually(lambda: state() == "without-keeper" and len(alerts()) == 2)
	assert f"destinations[0].tls.key[0]: {uri}: " in alerts()[-1], alerts()
	time.sleep(2)
	assert token.wrong_passwords() == counted + 1
	token.forget(uri)
	token.put(t.pki / "gateway-client.key", "ecc", uri=uri)
	gateway.reload(settings)
	stores(t, gateway)
