"""Goal: what waits in the spool, since when, how fast it goes and how long that takes, stands in
cathgate status and spool status, for people, as JSON and for Nagios, in the metrics and in the
service manager's status; full, dead, held and forsaken objects are problems until they are not."""
import json
import subprocess

import metrics
import spool
from dicom import Pacs, server_context
from harness import Test, cathgate, eventually, tool
from objects import make
from wait import free_ports

with Test() as t:
	port = free_ports(1)[0]
	# Short enough for a socket's path, and not in a folder of 0700.
	control = t.work / "control"
	file = t.work / "cathgate.prom"
	changes = {**spool.changes(t, max_bytes=1048576, retry_first_seconds=600,
				   retry_max_seconds=600),
		   "control": {"socket": str(control)}, "metrics.textfile": str(file)}
	gateway = t.configured(port, changes)
	gateway.start(environment={})
	here = "--config", gateway.config

	def status():
		return json.loads(tool("status", "--json", *here))

	def destination():
		return status()["spool"]["destinations"][0]

	def problems():
		return {problem["problem"]: problem for problem in status()["problems"]}

	def nagios():
		return subprocess.run([cathgate(), "status", "--nagios", *here], capture_output=True,
				      text=True, check=False)

	gateway.answers()
	nothing = eventually(lambda: status()["spool"]["destinations"] and status()["spool"])
	assert nothing["ready"] and not nothing["full"] and nothing["max_bytes"] == 1048576, nothing
	assert destination() == {**destination(), "destination": "pacs", "queued": 0, "oldest": None,
				 "seconds_left": 0, "last_delivery": None}
	assert "nothing waits" in tool("spool", "status", *here).decode()

	modality = t.associate(gateway)
	sent = [make("explicit", size=60000 + number) for number in range(3)]
	for obj in sent:
		assert modality.store(obj).status == 0
	# Once the first was tried, the destination is away.
	eventually(lambda: destination()["queued"] == 3 and destination()["next_try"])
	now = destination()
	assert now["queued_bytes"] == sum(len(obj.data) for obj in sent) and now["oldest"], now
	assert now["seconds_left"] is None, "it is away"
	assert "spool-waits" not in problems(), "that is no problem yet"
	text = tool("status", *here).decode()
	assert "pacs: 3 objects (" in text and "Spool ready: " in text, text
	assert "the destination fails; tried again at" in text, text
	assert "pacs: 3 objects" in tool("spool", "status", *here).decode()
	assert json.loads(tool("spool", "status", "--json", *here))["destinations"][0]["queued"] == 3
	assert " spool_queued=3;;;0; spool_bytes=" in nagios().stdout, nagios()
	gateway.hears("3 objects (0 MB) wait in the spool, the oldest for ")

	# Held ones are a warning.
	first = json.loads(tool("spool", "list", "--json", *here))[0]["object"]
	tool("spool", "hold", first, *here)
	eventually(lambda: problems().get("spool-held", {}).get("level") == "warning")
	tool("spool", "retry", first, *here)
	eventually(lambda: "spool-held" not in problems() and destination()["queued"] == 3)

	# Full.
	while modality.store(make("explicit", size=200_000)).status == 0:
		pass
	modality.release()
	full = eventually(lambda: problems().get("spool-full"))
	assert full["level"] == "critical" and "spool.max_bytes" in full["text"], full
	assert nagios().returncode == 2 and "spool is full" in nagios().stdout
	done = subprocess.run([cathgate(), "spool", "status", *map(str, here)], capture_output=True,
			      text=True, check=False)
	assert done.returncode == 1 and "Spool FULL" in done.stdout, done

	# The PACS is back: how fast they go is known then, and nothing is a problem any more.
	waiting = len(json.loads(tool("spool", "list", "--json", *here)))
	pacs = Pacs(server_context(t.pki, "pacs", "hospital-ca"), port=port)
	t.peers.append(pacs)
	tool("spool", "retry", "--state", "queued", "--yes", *here)
	eventually(lambda: destination()["queued"] == 0 and destination()["last_delivery"])
	eventually(lambda: destination()["objects_per_second"] > 0)
	eventually(lambda: not [name for name in problems() if name.startswith("spool-")])
	eventually(lambda: "the last was delivered" in tool("spool", "status", *here).decode())
	assert len(gateway.audit(event="delivery", outcome="forwarded")) == waiting

	# In the metrics.
	def written():
		samples = metrics.parse(file.read_text())
		last = samples.get(("cathgate_spool_last_delivery_timestamp_seconds",
				    (("destination", "pacs"),)))
		return samples if last else None
	samples = eventually(written)
	value = lambda name, **labels: metrics.value(samples, name, **labels)
	for state in ("queued", "held", "dead"):
		assert value("cathgate_spool_objects", destination="pacs", state=state) == 0
	assert value("cathgate_spool_bytes", destination="pacs") == 0
	assert value("cathgate_spool_oldest_seconds", destination="pacs") == 0
	assert value("cathgate_spool_delivered_bytes_total", destination="pacs") > 180000
	assert value("cathgate_spool_ready") == 1 and value("cathgate_spool_full") == 0
	assert value("cathgate_spool_max_bytes") == 1048576

	# Dead ones are a problem, until they are dropped.
	refuses = t.pacs(lambda association: (association.accept(), association.respond(
		association.receive(), status=0xC000)))
	gateway.reconfigure({**changes, "destinations.0.port": refuses.port})
	gateway.reload()
	modality = t.associate(gateway)
	assert modality.store(make("explicit", size=1000)).status == 0
	modality.release()
	dead = eventually(lambda: problems().get("spool-dead"))
	assert dead["level"] == "critical" and dead["subject"] == "pacs", dead
	assert "1 object dead: cathgate spool list" in tool("spool", "status", *here, status=1).decode()
	tool("spool", "drop", "--state", "dead", "--yes", *here)
	eventually(lambda: "spool-dead" not in problems())

	# What is for a destination that is gone is not forgotten.
	modality = t.associate(gateway)
	assert modality.store(make("explicit", size=1000)).status == 0
	modality.release()
	eventually(lambda: destination()["dead"] == 1)
	gateway.reconfigure({**changes, "destinations.0.name": "other",
			     "modalities.0.destination": "other"})
	(t.work / "spool/stranger").write_bytes(b"")
	gateway.reload()
	stray = eventually(lambda: problems().get("spool-stray"))
	assert "1 object in the spool is for a destination" in stray["text"], stray
	strangers = eventually(lambda: problems().get("spool-strangers"))
	assert "1 file in the spool's folder has no name by a key" in strangers["text"], strangers
	assert {item["destination"] for item in status()["spool"]["destinations"]} == {"other", None}
