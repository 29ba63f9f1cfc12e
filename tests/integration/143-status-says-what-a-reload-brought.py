"""Goal: `cathgate status` says when the last reload was and what it changed: --json each by
its name, however many lines of the audit log that took, and people one and how many more; or
why it was refused, for as long as it is, whatever else is read anew meanwhile; and nothing of a
refusal before a restart. --nagios and the metrics agree."""
import json
import os
import re
import shutil
import subprocess

import metrics
from harness import ROOT, Test, cathgate, eventually, tool

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


def counted():
	"""The metrics once they know of the refusal."""
	samples = metrics.parse(prom.read_text()) if prom.exists() else {}
	return samples if samples and metrics.value(samples, "cathgate_reloads_total", outcome="refused") else None


def refused(size=None):
	"""What is: the subjects of the problems, once there are so many."""
	def told():
		now = json.loads(tool("status", "--json", "--config", gateway.config))
		subjects = [problem["subject"] for problem in now["problems"]
			    if problem["problem"] == "reload-refused"]
		return (subjects,) if size in (None, len(subjects)) else None
	return eventually(told)[0]


def agree(refuses):
	line = subprocess.run([cathgate(), "status", "--socket", control, "--nagios"],
			      capture_output=True, text=True, check=False)
	assert line.returncode == (1 if refuses else 0), line
	assert ("refused, and what was in force stays" in line.stdout) == refuses, line
	eventually(lambda: metrics.value(metrics.parse(prom.read_text()),
					 "cathgate_last_reload_successful") == (not refuses))


def crl(text):
	(t.work / "next").write_bytes(text)
	(t.work / "next").replace(t.work / "live.crl")


def newer_crl():
	folder = t.work / "pki-of-the-crl"
	shutil.copytree(t.pki, folder)
	subprocess.run("openssl ca -name test_ca -gencrl -crldays 20 -out new.crl".split(), cwd=folder,
		       check=True, capture_output=True, env={
			       **os.environ, "CA": "modalities-ca",
			       "OPENSSL_CONF": str(ROOT / "certs/openssl.cnf")})
	return (folder / "new.crl").read_bytes()


def refusals_stay_while_they_hold():
	"""Of the configuration, and of files that change by themselves."""
	crl((t.pki / "modalities.crl").read_bytes())
	revoking = {**fixed, "listen.0.tls.crl": str(t.work / "live.crl")}
	gateway.reload(revoking)
	assert refused(0) == []
	gateway.reload({**revoking, "destinations.0.port": 0}, "refused")
	assert refused(1) == [None]
	done = len(gateway.audit(event="reload", outcome="done"))
	good = newer_crl()
	crl(good)
	gateway.wait_audit_beyond(done, event="reload", outcome="done")
	assert last_reload(gateway.audit(event="reload")[-1]["seq"])["outcome"] == "done"
	assert refused() == [None], "cathgate.conf is still what was refused"
	gateway.replace("observer")
	eventually(serves)
	assert refused(1) == [None]
	agree(True)

	crl(b"nothing\n")
	assert refused(2) == [None, "files"]
	crl(good)
	assert refused(1) == [None]
	gateway.reload(revoking)
	assert refused(0) == []
	crl(b"nothing\n")
	assert refused(1) == ["files"]
	gateway.reload(fixed)
	assert refused(0) == [], "it has read everything anew"


def a_restart_reads_everything():
	gateway.reload({**fixed, "destinations.0.port": 0}, "refused")
	assert refused(1) == [None]
	assert gateway.stop() == 0
	gateway.reconfigure(fixed)
	gateway.start()
	eventually(serves)
	assert last_reload(gateway.audit(event="start")[-1]["seq"]) is None
	assert refused() == []
	agree(False)


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
	assert re.search(f"last reload \\d+ (s|min) ago: {first}, and {MANY - 1} more changes", shown()
			 ), shown()

	# The next takes its place, and no word of the earlier one stays.
	assert gateway.reload({**fixed, **added, "modalities.1.ae_titles": ["OTHER"]})
	told = last_reload(gateway.audit(event="reload")[-1]["seq"])
	assert told["detail"] == f"modality {entry(1)['name']} changed (ae_titles)", told

	gateway.reload({**fixed, "destinations.0.port": 0}, "refused")
	told = last_reload(gateway.audit(event="reload")[-1]["seq"])
	assert told["outcome"] == "refused" and f"{gateway.config}:" in told["detail"], told
	assert "destinations[0].port" in shown(), shown()
	samples = eventually(counted)
	assert metrics.value(samples, "cathgate_reloads_total", outcome="done") == 2

	refusals_stay_while_they_hold()
	a_restart_reads_everything()
	assert gateway.stop() == 0
