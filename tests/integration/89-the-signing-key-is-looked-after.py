"""Goal: checkpoints are signed by the configured key, and openssl says so; a key that others
can read, or that is none, is an error with its cure; none is a warning at every start."""
import base64
import os
import subprocess

from harness import Test, cathgated
from objects import make


def check(gateway):
	done = subprocess.run([cathgated(), "--check", "--config", gateway.config],
			      capture_output=True, text=True)
	return done.returncode, done.stdout + done.stderr


def public_half(key, path):
	subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", path], check=True)
	return path


with Test() as t:
	pacs = t.pacs()
	key = t.work / "audit.key"
	subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True)
	os.chmod(key, 0o600)
	gateway = t.gateway(pacs, {"audit.signing_key": str(key)})
	assert t.associate(gateway).store(make("explicit")).status == 0
	assert gateway.stop() == 0
	text, _, signed = (gateway.folder / "audit.checkpoint").read_text().partition("\n\n")
	assert text.startswith("cathgate/test/0\n"), text
	signature = base64.b64decode(signed.split()[-1])[4:]
	(t.work / "text").write_text(text + "\n")
	(t.work / "signature").write_bytes(signature)
	subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-rawin", "-inkey",
			public_half(key, t.work / "audit.pub"), "-in", t.work / "text",
			"-sigfile", t.work / "signature"], check=True)

	os.chmod(key, 0o644)
	status, said = check(gateway)
	assert status == 1 and "chmod 600" in said, said
	key.write_text("no key")
	os.chmod(key, 0o600)
	status, said = check(gateway)
	assert status == 1 and "cathgate audit keygen" in said, said

	unsigned = t.gateway(pacs, {"audit.signing_key": None})
	assert "there is no signing_key" in unsigned.log()
	assert "cathgate audit keygen FILE" in unsigned.log()
	assert unsigned.wait_audit(event="checkpoint").get("signature") is None
	# With another key the log goes on.
	assert unsigned.stop() == 0
	unsigned.config.write_text(gateway.config.read_text()
				   .replace(str(key), str(t.pki / "audit.key"))
				   .replace("gateway-1", "gateway-2"))
	unsigned.start()
	assert t.associate(unsigned).store(make("explicit")).status == 0
	assert unsigned.stop() == 0
	assert unsigned.audit(event="checkpoint")[-1]["signature"]
	assert not unsigned.audit(event="alert")
