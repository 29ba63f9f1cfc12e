"""Goal: an alert for which alerts.command fails is tried three times, a minute apart, then dropped,
logged and counted; others aren't held up meanwhile."""
import json

import metrics
from dicom import XA_CONTEXT
from harness import Test, eventually

with Test() as t:
	heard, prom = t.work / "heard", t.work / "cathgate.prom"
	picky = t.work / "picky"
	picky.write_text(f"#!/bin/sh\nalert=$(cat)\necho \"$alert\" >>{heard}\n"
			 "case $alert in *destination-failing*) echo it is away; exit 1 ;; esac\n")
	picky.chmod(0o755)
	heard.touch()
	fixed = {"alerts": {"command": [str(picky)]}, "metrics": {"textfile": str(prom)}}
	gateway = t.gateway(1, fixed)

	def tries():
		return [json.loads(line)["problem"] for line in heard.read_text().splitlines()]

	modality = t.connect(gateway)
	modality.request(contexts=[XA_CONTEXT])
	modality.close()
	eventually(tries)
	gateway.reload({**fixed, "limits.idle_seconds": -1}, "refused")
	eventually(lambda: len(tries()) == 2)
	assert tries() == ["destination-failing", "reload-refused"], tries()
	gateway.wait_log("an alert is dropped after 3 tries: destination pacs fails")
	assert tries().count("destination-failing") == 3, tries()
	assert tries().count("reload-refused") == 1, tries()
	def dropped():
		samples = metrics.parse(prom.read_text())
		return samples if metrics.value(
			samples, "cathgate_alert_commands_total", outcome="dropped") == 1 else None
	samples = eventually(dropped)
	assert metrics.value(samples, "cathgate_alert_commands_total", outcome="failed") == 2
	assert metrics.value(samples, "cathgate_alert_commands_total", outcome="done") == 1
