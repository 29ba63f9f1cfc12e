#!/usr/bin/env python3
"""Goal: an observer that is killed is replaced, and nobody else notices; it holds no socket
to the network and no key's file; what was recorded before it began is counted; a reload moves the metrics; a PACS that fails is shown."""
import json
import os
import pathlib
import signal
import subprocess

import dicom
import metrics
from harness import Test, cathgate, eventually
from objects import make


with Test() as t:
	pacs = t.pacs()
	path, first, second = t.work / "control", t.work / "1.prom", t.work / "2.prom"
	shown = {"control": {"socket": str(path)}}
	gateway = t.gateway(pacs, {**shown, "metrics": {"textfile": str(first)}})
	observer = gateway.helper("observer")
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0
	links = [os.readlink(entry) for entry in
		 pathlib.Path(f"/proc/{observer}/fd").iterdir()]
	assert not [link for link in links if link.endswith((".key", ".pem", ".crt"))], links
	eventually(first.exists)

	os.kill(observer, signal.SIGKILL)
	for _ in range(3):
		assert modality.store(make("explicit")).status == 0
	gateway.wait_log("the observer ended")

	def status():
		done = subprocess.run([cathgate(), "status", "--json", "--config",
				       gateway.config], capture_output=True, check=False)
		return json.loads(done.stdout) if done.stdout else None
	answer = eventually(status)
	assert answer["associations"][0]["instances"] == 4, answer
	assert answer["destinations"][0]["health"] == "good", "what was before is forgotten"

	# Another file: it is written there from now on, and said to be down here.
	gateway.reload({**shown, "metrics": {"textfile": str(second)}})
	eventually(second.exists)
	old = metrics.parse(first.read_text())
	assert metrics.value(old, "cathgate_instances_total", modality="angio",
			     outcome="forwarded") == 4
	assert metrics.value(old, "cathgate_up") == 0

	pacs.close()
	answer = t.connect(gateway).request(contexts=[dicom.XA_CONTEXT])
	assert isinstance(answer, dicom.Rejection), answer
	failing = eventually(lambda: (answer := status())
			     and answer["destinations"][0]["health"] == "failing" and answer)
	failure = failing["destinations"][0]["last_failure"]
	assert failure["reason"].startswith("destination-"), failure
	line = gateway.audit(event="association", outcome="refused")[-1]
	assert (failure["time"], failure["reason"]) == (line["time"], line["reason"])
	assert gateway.stop() == 0
	last = metrics.parse(second.read_text())
	assert metrics.value(last, "cathgate_destination_failures_total", destination="pacs",
			     reason=failure["reason"]) >= 1
	assert metrics.value(last, "cathgate_destination_last_failure_timestamp_seconds",
			     destination="pacs") > 1e9
