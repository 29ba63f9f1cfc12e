"""Goal: private keys in a TPM, named by their handles, sign for the gateway on both sides, through
reloads and a keeper's death; no process has a scrap of them. A handle without a key is refused
with the cure, and the gateway that runs goes on."""
from harness import Test
from tokens import keys_in, signs, stores, tpm

with Test() as t, tpm(t.work / "tpm") as token:
	settings = keys_in(token, t.pki)
	gateway = t.gateway(t.pacs(), settings)
	signs(t, gateway, settings)

	gateway.reload({**settings, "destinations.0.tls.key": ["handle:0x81000077"]}, "refused")
	gateway.wait_log("handle:0x81000077: no private key is found")
	stores(t, gateway)
