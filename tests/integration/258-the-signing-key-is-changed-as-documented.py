"""Goal: the recipe of docs/AUDIT.md for changing the signing key works as it is written: the log
holds by both keys and by the old key's last checkpoint, by one key alone it doesn't, and then
`verify` says what to do."""
import pathlib
import re
import shutil
import subprocess

from auditlog import run
from harness import Test, cathgate, cathgated
from objects import make

page = (pathlib.Path(__file__).resolve().parents[2] / "docs/AUDIT.md").read_text()
recipe = page.split("### Changing the signing key\n")[1].split("\n### ")[0]
blocks = re.findall(r"^```sh\n(.*?)^```$", recipe, re.M | re.S)
assert len(blocks) == 5, blocks


def follow(block):
	"""Runs it line by line. There is no systemd here, and no user cathgate."""
	for line in block.splitlines():
		if line.startswith("systemctl "):
			verb, *units = line.split()[1:]
			if verb == "stop":	# else the next connection starts it again
				assert set(units) == {"cathgated.socket", "cathgated.service"}, line
			{"stop": gateway.stop, "start": gateway.start}[verb]()
			continue
		if line.startswith("chown cathgate: "):
			continue
		line = line.replace("/etc/cathgate/cathgate.conf", str(gateway.config))
		line = line.replace("/etc/cathgate", str(etc))
		line = line.replace("/var/log/cathgate", str(gateway.folder))
		if re.match("cathgate audit verify|cathgated", line):
			line += f" --config {gateway.config}"
		line = re.sub("^cathgate ", f"{cathgate()} ", line)
		line = re.sub("^cathgated ", f"{cathgated()} ", line)
		done = subprocess.run(["sh", "-c", line], cwd=t.work, capture_output=True, text=True)
		assert done.returncode == 0, (line, done.stdout, done.stderr)
		said.append(done.stdout)


def store():
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0
	modality.release()
	gateway.wait_audit(event="association", outcome="released")


with Test() as t:
	etc, said = t.work / "etc", []
	(etc / "tls").mkdir(parents=True)
	for name in ("audit.key", "audit.key.pub"):
		shutil.copy(t.pki / name, etc / "tls" / name)
	gateway = t.gateway(t.pacs(), {"audit.signing_key": f"{etc}/tls/audit.key"})
	store()
	for block in blocks[:3]:
		follow(block)
	assert f'signing_key = "{etc}/tls/audit-2027.key"' in said[0], said[0]
	assert "audit-2027.key" in gateway.config.read_text()
	store()
	for block in blocks[3:]:
		follow(block)
	assert "The log holds" in said[-2] and "held to" in said[-2], said
	assert not (etc / "tls/audit.key").exists()
	gateway.stop()
	keys = {line["key"] for line in gateway.audit(event="checkpoint")}
	assert len(keys) == 2, keys
	both = [etc / "tls" / name for name in ("audit.key.pub", "audit-2027.key.pub")]
	for one in both:
		done = run("verify", "--key", one, "--config", gateway.config)
		assert done.returncode == 1 and "--key OLD.pub --key NEW.pub" in done.stdout, done
		assert "other-key" in done.stdout, done
	done = run("verify", "--key", both[1], "--key", both[0], "--config", gateway.config)
	assert done.returncode == 0 and "lines behind" not in done.stdout, done
