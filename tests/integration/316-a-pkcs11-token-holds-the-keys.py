"""Goal: private keys in a PKCS#11 token, named by their URIs, sign for the gateway on both sides,
through reloads and a keeper's death; no process has a scrap of them. A PIN that is wrong or in
the configuration is refused with the cure, and the gateway that runs goes on."""
import os

from harness import Test, children, eventually
from tokens import PIN, keys_in, no_process_has, softhsm, stores

with Test() as t, softhsm(t.work / "token") as token:
	settings = keys_in(token, t.pki)
	gateway = t.gateway(t.pacs(), settings)
	stores(t, gateway)
	eventually(lambda: not gateway.associations())
	if os.geteuid() == 0:
		holders = [gateway.pid, *children(gateway.pid, but_for=("scribe", "observer"))]
		# The token in software is the one process that has to know them.
		holders.remove(gateway.helper("keeper"))
		no_process_has(holders, [t.pki / f"{name}.key" for name in
					 ("gateway", "gateway-rsa", "gateway-client")])
	for _ in range(3):
		gateway.reload(settings)
		stores(t, gateway)
	gateway.replace("keeper")
	gateway.wait_log("another keeper has read the private keys")
	stores(t, gateway)

	uri, = settings["destinations.0.tls.key"]
	gateway.reload({**settings, "destinations.0.tls.key": [
		uri.replace(f"pin-source=file:{token.pin}", f"pin-value={PIN}")]}, "refused")
	gateway.wait_log("pin-source=file:/THE/FILE")
	assert PIN not in gateway.log()
	wrong = t.work / "wrong-pin"
	wrong.write_text("1")	# of each key: a token is opened once for all of them
	gateway.reload({**settings, **{
		key: [uri.replace(str(token.pin), str(wrong)) for uri in settings[key]]
		for key in ("listen.0.tls.key", "destinations.0.tls.key")}}, "refused")
	gateway.wait_log("no private key is found")
	stores(t, gateway)
