"""Goal: private keys in a TPM, named by their handles, sign for the gateway on both sides, through
reloads and a keeper's death; no process has a scrap of them. A handle without a key is refused
with the cure, and the gateway that runs goes on."""
import subprocess

from harness import Test, cathgate
from tokens import keys_in, signs, stores, tpm

with Test() as t, tpm(t.work / "tpm") as token:
	settings = keys_in(token, t.pki)
	gateway = t.gateway(t.pacs(), settings)
	signs(t, gateway, settings)

	said = subprocess.run([cathgate(), "diagnose", "--config", gateway.config, "--destination",
			       "pacs"], capture_output=True, text=True)
	assert said.returncode == 2 and "stays in a token" in said.stderr, said

	gateway.reload({**settings, "destinations.0.tls.key": ["handle:0x81000077"]}, "refused")
	gateway.wait_log("handle:0x81000077: no private key is found")
	stores(t, gateway)
