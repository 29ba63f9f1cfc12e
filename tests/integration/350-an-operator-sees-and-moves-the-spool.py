"""Goal: cathgate spool lists objects by what is known of them, shows one, holds, retries and
drops, each change with its record in the audit log; it asks first, and without a terminal
refuses to go on; nobody but root and the service's user is served."""
import json
import os
import pwd
import signal
import subprocess

import spool
from dicom import Pacs, server_context
from harness import Test, cathgate, eventually, tool
from objects import make
from terminal import typed
from wait import free_ports

with Test() as t:
	port = free_ports(1)[0]
	# After its first try the destination is left alone, so no courier has an object in hand.
	gateway = t.gateway(port, spool.changes(t, retry_first_seconds=600, retry_max_seconds=600))
	here = "--config", gateway.config

	def run(*arguments, status=0):
		return tool("spool", *arguments, *here, status=status).decode()

	def listed(*arguments):
		return json.loads(run("list", "--json", *arguments))

	def refused(*arguments, status, words, **more):
		done = subprocess.run([cathgate(), "spool", *map(str, arguments), *map(str, here)],
				      capture_output=True, text=True, stdin=subprocess.DEVNULL, **more)
		assert done.returncode == status and words in done.stderr, done
		return done

	assert listed() == []
	sent = [make("explicit", size=size) for size in (100, 70000, 5000)]
	modality = t.associate(gateway)
	for obj in sent:
		assert modality.store(obj).status == 0
	modality.release()

	objects = eventually(lambda: (found := listed()) and len(found) == 3 and
			     all(item["committed"] and not item["in_hand"] for item in found) and found)
	assert [item["bytes"] for item in objects] == [len(obj.data) for obj in sent]
	assert {item["state"] for item in objects} == {"queued"}
	assert {(item["modality"], item["destination"]) for item in objects} == {("angio", "pacs")}
	first, second, third = (item["object"] for item in objects)

	# By what is known of them.
	def numbers(*arguments):
		return [item["object"] for item in listed(*arguments)]
	for obj, number in zip(sent, (first, second, third)):
		assert numbers("--sop-instance", obj.sop_instance) == [number]
	metadata = json.loads(run("show", first, "--json"))[0]
	assert metadata["sop_instance"] == sent[0].sop_instance
	assert metadata["sha256"] == sent[0].sha256 and metadata["calling_ae"] == "CATHLAB3"
	assert metadata["state"] == "queued" and "patient_id" not in metadata
	assert "patient_id" in json.loads(run("show", first, "--json", "--patient"))[0]
	assert first in numbers("--study", metadata["study"])
	assert numbers("--study", "1.2.3") == numbers("--sop-instance", "1.2.3") == []
	assert numbers("--modality", "angio") == numbers("--destination", "pacs") == [first, second, third]
	assert numbers("--modality", "echo") == numbers("--destination", "archive") == []
	assert numbers("--since", "-1h") == [first, second, third] and numbers("--until", "-1h") == []
	assert numbers("--state", "held") == [] and numbers(second) == [second]

	text = run("list")
	assert text.splitlines()[-1].startswith("3 objects, "), text
	text = run("show", second)
	for words in (second, "queued", sent[1].sop_instance, sent[1].sha256,
		      "cathgate audit tail -n all --sop-instance"):
		assert words in text, text

	# Held, and one more by what it is of: then it asks, and nobody is there to answer.
	run("hold", first, "--note", "asked for by Dr. No")
	line = gateway.wait_audit(event="delivery", outcome="held")
	assert line["sop_instance"] == sent[0].sop_instance and line["sha256"] == sent[0].sha256
	assert first in line["detail"] and "asked for by Dr. No" in line["detail"], line
	assert " by " in line["detail"], line
	refused("hold", first, status=1, words="it is so already")
	refused("hold", "--sop-instance", sent[1].sop_instance, status=2, words="say --yes")
	run("hold", "--sop-instance", sent[1].sop_instance, "--yes")
	assert numbers("--state", "held") == [first, second]
	assert numbers("--state", "queued") == [third]
	assert sorted(spool.states(t)) == ["h", "h", "q"]

	refused("drop", third, status=2, words="say --yes")
	refused("retry", status=2, words="say which")
	refused("retry", "12", status=2, words="no object's number")
	refused("drop", "--yes", "0000000000000001", status=1, words="there is none")
	refused("drop", first, "--state", "held", status=2, words="not both")
	assert len(listed()) == 3

	# What was asked for is done, also when who asked has left before the record was durable.
	auditor = gateway.helper("auditor")
	fourth = make("explicit")
	modality = t.associate(gateway)
	assert modality.store(fourth).status == 0
	modality.release()
	number, = eventually(lambda: numbers("--sop-instance", fourth.sop_instance))
	os.kill(auditor, signal.SIGSTOP)
	with subprocess.Popen([cathgate(), "spool", "drop", "--yes", number, *map(str, here)]) as asks:
		try:
			asks.wait(1)
			raise AssertionError("it did not wait for the record")
		except subprocess.TimeoutExpired:
			asks.kill()
	os.kill(auditor, signal.SIGCONT)
	eventually(lambda: number not in numbers())
	gateway.wait_audit(event="delivery", outcome="dropped", sop_instance=fourth.sop_instance)

	# At a terminal it asks, and only a yes will do.
	drop = [cathgate(), "spool", "drop", second, *map(str, here)]
	for answer in ("n\n", "\n", "\4"):
		shown, status = typed(drop, "[y/N]", answer)
		assert status == 1 and "Drop 1 object (" in shown and " for good?" in shown, shown
		assert "nothing was done" in shown and len(listed()) == 3, shown
	shown, status = typed([*drop[:3], first, *drop[4:]], "[y/N]", "\3")
	assert status == -2 and len(listed()) == 3, (shown, status)

	# Removed, with a record before.
	assert "1 object dropped" in run("drop", "--yes", second)
	gateway.wait_audit(event="delivery", outcome="dropped", sop_instance=sent[1].sop_instance)
	assert numbers() == [first, third] and len(spool.names(t)) == 2
	tail = tool("audit", "tail", "--json", "-n", "all", "--sop-instance", sent[1].sop_instance,
		    gateway.audit_file).decode().splitlines()
	outcomes = [json.loads(line)["outcome"] for line in tail]
	assert [outcome for outcome in outcomes if outcome != "failed"] == [
		"spooled", "held", "dropped"], tail

	if os.getuid() == 0:
		nobody = pwd.getpwnam("nobody")
		t.work.chmod(0o755)
		gateway.folder.chmod(0o755)
		gateway.config.chmod(0o644)
		refused("list", status=2, words="run this as root",
			preexec_fn=lambda: os.setuid(nobody.pw_uid))

	# The PACS is back; what is held waits until it is retried.
	pacs = Pacs(server_context(t.pki, "pacs", "hospital-ca"), port=port)
	t.peers.append(pacs)
	run("retry", "--state", "queued", "--yes")
	assert pacs.stored.get().data == sent[2].data
	eventually(lambda: numbers() == [first])
	assert "1 object tried at once" in run("retry", first)
	assert pacs.stored.get().data == sent[0].data
	eventually(lambda: not numbers())
	gateway.wait_audit(event="delivery", outcome="queued", sop_instance=sent[0].sop_instance)
	assert len(listed("--state", "delivered")) == 2

	assert gateway.stop() == 0
	refused("list", status=2, words="no spooler answers")
