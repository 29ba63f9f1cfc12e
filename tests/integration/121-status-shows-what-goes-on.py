#!/usr/bin/env python3
"""Goal: cathgate status shows associations, destinations, certificates and the audit log,
for people and as JSON; clients who don't read cost nothing."""
import json
import os
import pwd
import socket
import stat
import subprocess

from harness import Test, cathgate, eventually, tool
from objects import make


def ask(gateway, status=0):
	return json.loads(tool("status", "--json", "--config", gateway.config, status=status))


with Test() as t:
	pacs = t.pacs()
	# Short enough for a socket's path, and not in a folder of 0700.
	path = t.work / "control"
	t.work.chmod(0o755)
	gateway = t.gateway(pacs, {"control": {"socket": str(path)}})
	eventually(path.exists)
	assert stat.S_IMODE(path.stat().st_mode) == 0o660
	def serving():
		done = subprocess.run([cathgate(), "status", "--json", "--socket", path],
				      capture_output=True, check=False)
		return json.loads(done.stdout) if done.returncode == 0 else None
	now = eventually(serving)
	assert now["associations"] == [] and now["node"] == "test", now
	assert now["destinations"][0]["name"] == "pacs", now
	assert now["destinations"][0]["health"] == "unknown", now

	modality = t.associate(gateway)
	for _ in range(5):
		assert modality.store(make("explicit")).status == 0
	def stored():
		listed = ask(gateway)["associations"]
		return listed and listed[0]["instances"] == 5 and listed[0]
	shown = eventually(stored)
	assert (shown["modality"], shown["ae_title"], shown["destination"]) == (
		"angio", "CATHLAB3", "pacs"), shown
	assert shown["bytes"] == sum(line["bytes"] for line in gateway.audit(event="instance"))
	assert shown["megabytes_per_second"] >= 0
	line = gateway.wait_audit(event="association", outcome="accepted")
	assert (shown["association"], shown["peer"]) == (line["association"], line["peer"])
	assert shown["since"][:16] == line["time"][:16] or shown["since"] <= line["time"]

	eventually(lambda: ask(gateway)["destinations"][0]["health"] == "good")
	now = ask(gateway)
	assert now["destinations"][0]["last_success"] == (
		gateway.audit(event="instance")[-1]["time"])
	assert now["audit"]["writable"] and now["audit"]["sequence"] >= line["seq"], now
	assert {end["owner"] for end in now["ends"]} == {"gateway", "modality", "destination"}
	assert now["last_reload"] is None
	gateway.reload()
	eventually(lambda: (ask(gateway)["last_reload"] or {}).get("outcome") == "done")

	people = tool("status", "--config", gateway.config).decode()
	for word in ("test, cathgated", "is serving", "CATHLAB3", "pacs: good", "Audit log",
		     "last reload"):
		assert word in people, people

	# As many as the queue takes, and none ever reads.
	silent = []
	for _ in range(200):
		client = socket.socket(socket.AF_UNIX)
		client.connect(str(path))
		silent.append(client)
	assert ask(gateway)["state"] == "serving"

	# The socket's mode alone isn't trusted.
	if os.getuid() == 0:
		nobody = pwd.getpwnam("nobody")
		path.chmod(0o666)
		try:
			done = subprocess.run([cathgate(), "status", "--socket", path],
					      capture_output=True, text=True, check=False,
					      user=nobody.pw_uid, group=nobody.pw_gid,
					      extra_groups=[])
			assert done.returncode == 2 and "as root" in done.stderr, done
		except PermissionError:
			print("not tried as nobody, who can't reach the build folder")

	modality.release()
	eventually(lambda: ask(gateway)["associations"] == [])
	assert gateway.stop() == 0
	assert not path.exists(), "the socket was left"
	done = subprocess.run([cathgate(), "status", "--config", gateway.config],
			      capture_output=True, text=True, check=False)
	assert done.returncode == 2 and "is cathgated running" in done.stderr, done
