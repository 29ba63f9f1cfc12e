"""Goal: `cathgate status` says when the last reload was and what it changed: --json each by
its name, however many lines of the audit log that took, and people one and how many more; or
why it was refused."""
import json
import re
import subprocess

import metrics
from harness import Test, cathgate, eventually, tool

MANY = 40


def entry(number):
	return {"name": f"modality-with-a-long-name-{number}", "ae_titles": [f"MODALITY{number}"],
		"called_ae_titles": ["CATHGATE"], "certificate": {"dns": [f"m{number}.test"]},
		"destination": "pacs"}


def serves():
	return subprocess.run([cathgate(), "status", "--socket", control],
			      capture_output=True, check=False).returncode == 0


def last_reload(count):
	"""As told once the log's line of that number has been read."""
	def told():
		now = json.loads(tool("status", "--json", "--config", gateway.config))
		return now if now["audit"]["sequence"] >= count else None
	return eventually(told)["last_reload"]


def shown():
	"""Without the ends of its lines."""
	return " ".join(tool("status", "--config", gateway.config).decode().split())


with Test() as t:
	control, prom = t.work / "control", t.work / "cathgate.prom"
	fixed = {"control": {"socket": str(control)}, "metrics": {"textfile": str(prom)}}
	gateway = t.gateway(t.pacs(), fixed)
	eventually(serves)

	added = {f"modalities.{i}": entry(i) for i in range(1, MANY + 1)}
	detail = gateway.reload({**fixed, **added})
	lines = gateway.audit(event="reload")
	assert len(lines) > 3, "one line was enough: nothing is tried here"
	told = last_reload(lines[-1]["seq"])
	assert told["outcome"] == "done" and told["time"] == lines[-1]["time"], told
	assert told["detail"] == detail, told
	for number in range(1, MANY + 1):
		change = f"modality modality-with-a-long-name-{number} added"
		assert change in detail.split("; "), detail
	first = detail.split("; ")[0]
	assert re.search(f"last reload \\d+ s ago: {first}, and {MANY - 1} more changes", shown()
			 ), shown()

	# The next takes its place, and no word of the earlier one stays.
	assert gateway.reload({**fixed, **added, "modalities.1.ae_titles": ["OTHER"]})
	told = last_reload(gateway.audit(event="reload")[-1]["seq"])
	assert told["detail"] == f"modality {entry(1)['name']} changed (ae_titles)", told

	gateway.reload({**fixed, "destinations.0.port": 0}, "refused")
	told = last_reload(gateway.audit(event="reload")[-1]["seq"])
	assert told["outcome"] == "refused" and f"{gateway.config}:" in told["detail"], told
	assert "destinations[0].port" in shown(), shown()

	assert gateway.stop() == 0
	samples = metrics.parse(prom.read_text())
	assert metrics.value(samples, "cathgate_reloads_total", outcome="done") == 2
	assert metrics.value(samples, "cathgate_reloads_total", outcome="refused") == 1
