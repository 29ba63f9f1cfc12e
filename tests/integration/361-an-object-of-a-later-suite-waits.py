"""Goal: an object that a later version of the gateway has sealed, by a suite that this one doesn't
know, stays in the spool, however old it is, and is told of, and its neighbours are delivered.
It is delivered once it can be. One whose suite somebody has changed is dead, as any that was changed."""
import subprocess

import spool
from harness import Test, cathgate, eventually
from objects import make


def of_suite(content, suite):
	return content[:8] + bytes([suite]) + content[9:]


with Test() as t:
	folder, settings = t.work / "spool", spool.changes(t)
	gateway = t.gateway(1, settings)
	modality, sent = t.associate(gateway), [make("explicit", size=1000) for _ in range(3)]
	for obj in sent:
		assert modality.store(obj).status == 0
	modality.release()
	gateway.stop()
	later, changed, good = spool.names(t, "q")
	content = (folder / later).read_bytes()
	assert spool.renamed(t, later) == later
	(folder / later).unlink()
	new = spool.renamed(t, later, of_suite(content, 3), stored=1)
	(folder / new).write_bytes(of_suite(content, 3))
	(folder / changed).write_bytes(of_suite((folder / changed).read_bytes(), 3))

	pacs = t.pacs()
	settings = {**settings, "destinations.0.port": pacs.port}
	gateway.reconfigure(settings)
	gateway.start()
	assert pacs.stored.get().data == sent[2].data
	alert = gateway.wait_audit(event="alert", reason="spool-unavailable")["detail"]
	assert later.split(".")[0] in alert and "a suite that this version of the gateway doesn't know" in alert, alert
	line = gateway.wait_audit(event="delivery", reason="spool-unavailable")
	assert line["outcome"] == "failed" and "a suite that this version of the gateway doesn't know" in line["detail"]
	line = gateway.wait_audit(event="delivery", outcome="dead")
	assert changed.split(".")[0] in line["detail"] and line["reason"] == "spool-corrupt", line
	# again and again it is tried, and stays
	eventually(lambda: len(gateway.audit(event="delivery", reason="spool-unavailable")) > 2)
	assert not gateway.audit(outcome="given-up")
	assert spool.names(t, "q") == [new] and len(spool.names(t, "x")) == 1
	gateway.stop()
	said = subprocess.run([cathgate(), "spool", "export", "--file", "--yes", "--config", gateway.config, "--to", t.work / "out.dcm", folder / new],
			      stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
	assert said.returncode == 1 and "a suite that only a later version knows" in said.stderr, said

	# as a gateway would that knows the suite
	(folder / new).unlink()
	(folder / later).write_bytes(content)
	gateway.start()
	assert pacs.stored.get().data == sent[0].data
	spool.wait_delivered(t)
