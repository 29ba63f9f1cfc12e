#!/usr/bin/env python3
"""Goal: cathgate status shows how fast an object comes that is not whole yet, and tells a
gateway that hangs from one that serves."""
import json
import os
import signal
import subprocess

from harness import Test, cathgate, eventually
from objects import make

PIECE = bytes(60000)

with Test() as t:
	pacs = t.pacs()
	path = t.work / "control"
	gateway = t.gateway(pacs, {"control": {"socket": str(path)}})

	def status():
		done = subprocess.run([cathgate(), "status", "--json", "--socket", path],
				      capture_output=True, check=False)
		return done.returncode, json.loads(done.stdout) if done.stdout else {}
	modality = t.associate(gateway)
	obj = make("explicit")
	modality.store_command(obj)
	modality.send_data(1, obj.data, last=False)

	def comes():
		for _ in range(20):
			modality.send_data(1, PIECE, last=False)
		_, answer = status()
		listed = answer.get("associations") or [{"megabytes_per_second": 0}]
		return listed[0]["megabytes_per_second"] > 0 and listed[0]
	shown = eventually(comes)
	assert shown["instances"] == 0, "an object that is not whole was counted"
	assert shown["bytes"] > len(obj.data), shown

	os.kill(gateway.pid, signal.SIGSTOP)
	try:
		code, answer = eventually(lambda: (now := status())[1].get("state") == "silent"
					  and now)
	finally:
		os.kill(gateway.pid, signal.SIGCONT)
	assert code == 1, "it serves nobody"
	code, answer = eventually(lambda: (now := status())[1].get("state") == "serving"
				  and now)
	assert code == 0
	modality.abort()
