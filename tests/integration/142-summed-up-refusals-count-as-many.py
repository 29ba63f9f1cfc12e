"""Goal: a line that sums refusals up counts as all that it stands for, in the metrics and in
`cathgate diagnose`."""
import json

import metrics
from dicom import XA_CONTEXT, Rejection, speak_plain
from harness import Test, eventually, tool

EACH, FLOOD = 10, 40


with Test() as t:
	folder = t.work / "textfile"
	folder.mkdir()
	file = folder / "cathgate.prom"
	gateway = t.gateway(None, {"metrics": {"textfile": str(file)}})
	eventually(file.exists)
	for _ in range(FLOOD):
		speak_plain(gateway.port, "127.0.0.1")
	speak_plain(gateway.port, "127.0.0.9")
	for _ in range(FLOOD):
		assert isinstance(t.connect(gateway).request(contexts=[XA_CONTEXT]), Rejection)
	assert gateway.stop() == 0
	lines = gateway.audit(outcome="refused", reason="not-tls")
	assert len(lines) == EACH + 2, "no line sums up: nothing is tried here"

	samples = metrics.parse(file.read_text())
	for name, labels in (("cathgate_refusals_total", {"of": "association", "reason": "not-tls"}),
			     ("cathgate_handshakes_total", {"outcome": "not-tls"}),
			     ("cathgate_associations_total", {"outcome": "refused"})):
		found = metrics.value(samples, name, **labels)
		assert found == FLOOD + 1, (name, found)
	found = metrics.value(samples, "cathgate_destination_failures_total", destination="pacs",
			      reason="destination-unreachable")
	assert found == FLOOD, found

	groups = json.loads(tool("diagnose", "--json", "--config", gateway.config))
	assert sorted(group["count"] for group in groups) == [1, FLOOD, FLOOD], groups
	said = tool("diagnose", "--config", gateway.config).decode()
	assert f"{FLOOD} times" in said and "more from" not in said, said
