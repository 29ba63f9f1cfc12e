"""Goal: private keys in a TPM, named by their handles, sign for the gateway on both sides, through
reloads and a keeper's death; no process has a scrap of them. A handle without a key is refused
with the cure, and the gateway that runs goes on."""
import os

from harness import Test, children, eventually
from tokens import keys_in, no_process_has, stores, tpm

with Test() as t, tpm(t.work / "tpm") as token:
	settings = keys_in(token, t.pki)
	gateway = t.gateway(t.pacs(), settings)
	stores(t, gateway)
	eventually(lambda: not gateway.associations())
	if os.geteuid() == 0:
		no_process_has([gateway.pid, *children(gateway.pid, but_for=("scribe", "observer"))],
			       [t.pki / f"{name}.key" for name in
				("gateway", "gateway-rsa", "gateway-client")])
	for _ in range(3):
		gateway.reload(settings)
		stores(t, gateway)
	gateway.replace("keeper")
	gateway.wait_log("another keeper has read the private keys")
	stores(t, gateway)

	gateway.reload({**settings, "destinations.0.tls.key": ["handle:0x81000077"]}, "refused")
	gateway.wait_log("handle:0x81000077: no private key is found")
	stores(t, gateway)
