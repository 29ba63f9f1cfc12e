"""Goal: `cathgate diagnose` explains what went wrong with deliveries beside what was refused:
tries and verdicts apart, each with its cure; what others' success cures, and what it doesn't; and
what couriers do hides nothing of how a modality came."""
import datetime
import json

from auditlog import Log
from harness import Test, tool

BEGAN = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
OBJECT = {"association": "0123456789abcdef", "modality": "angio", "calling_ae": "CATHLAB3",
	  "called_ae": "CATHGATE", "destination": "pacs", "sop_instance": "1.2.3"}


class Recent(Log):
	"""A line a second, from an hour ago on."""

	def line(self, event, outcome, reason=None, **members):
		time = BEGAN + datetime.timedelta(seconds=self.seq)
		reasons = {"reason": reason} if reason else {}
		return self.add(event, outcome=outcome, **reasons, **members,
				time=f"{time:%Y-%m-%dT%H:%M:%S}.000000Z")


def diagnosed(*more):
	return json.loads(tool("diagnose", "--json", "--config", gateway.config, "--log", file, *more))


def group(reason, outcome):
	found = [one for one in diagnosed() if one["reason"] == reason
		 and one["last"]["outcome"] == outcome]
	assert len(found) == 1, (reason, outcome, diagnosed())
	return found[0]


with Test() as t:
	gateway = t.gateway(t.pacs())
	file = t.work / "spool.jsonl"
	log = Recent()
	log.line("association", "accepted", **OBJECT, peer="127.0.0.1:1")
	log.line("instance", "failed", "spool-full", **OBJECT)
	for _ in range(3):
		log.line("instance", "spooled", **OBJECT)
	log.line("association", "aborted", "peer-lost", **OBJECT, peer="127.0.0.1:1")
	for _ in range(2):
		log.line("delivery", "failed", "destination-unreachable", **OBJECT)
	log.line("delivery", "unconfirmed", "destination-lost", **OBJECT)
	log.line("delivery", "given-up", "destination-unreachable", **OBJECT)
	log.line("delivery", "dead", "spool-repeated-abort", **OBJECT)
	log.line("delivery", "dead", "spool-corrupt", destination="pacs")
	for outcome in ("held", "queued", "exported", "dropped"):
		log.line("delivery", outcome, "destination-unreachable", **OBJECT)
	for _ in range(3):
		log.line("delivery", "forwarded", **OBJECT)
	log.write(file)

	assert len(diagnosed()) == 7, diagnosed()
	tried = group("destination-unreachable", "failed")
	assert tried["count"] == 2 and tried["well_since"], tried
	assert "cathgate diagnose --destination pacs" in tried["cure"], tried
	assert group("destination-lost", "unconfirmed")["well_since"]
	# The PACS takes others: that brings nobody these.
	for reason in ("destination-unreachable", "spool-repeated-abort", "spool-corrupt"):
		outcome = "given-up" if reason.startswith("destination") else "dead"
		verdict = group(reason, outcome)
		assert verdict["count"] == 1 and "well_since" not in verdict, verdict
	assert "cathgate spool retry" in group("spool-repeated-abort", "dead")["cure"]
	full = group("spool-full", "failed")
	assert full["well_since"] and "spool.max_bytes" in full["cure"], full

	text = " ".join(tool("diagnose", "--config", gateway.config, "--log", file).decode().split())
	assert "(delivery failed, 2 times)" in text, text
	assert "The gateway, with what angio sent, for the destination pacs" in text, text
	assert "The gateway, with an object of its spool, for the destination pacs" in text, text

	# How the modality came is what its association says.
	shown = tool("diagnose", "--modality", "angio", "--config", gateway.config, "--log", file,
		     status=1).decode()
	assert "peer-lost" in shown and "spool" not in shown, shown
