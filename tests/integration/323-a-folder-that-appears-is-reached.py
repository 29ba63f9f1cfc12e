"""Goal: a folder that a process may write to and that wasn't there, or was replaced, when it
entered its sandbox is reached soon: the process makes room for another, and nothing is lost. So
is a log's folder when the log is rotated."""
import json
import os
import shutil

from dicom import Aborted, Closed
from harness import Skip, Test, child, eventually, tool
from objects import make

with Test() as t:
	if os.environ.get("CATHGATE_SANITIZE"):
		raise Skip("sanitizers need files, and may reach all")
	metrics, messages = t.work / "metrics", t.work / "messages"
	gateway = t.gateway(t.pacs(), {"metrics.textfile": str(metrics / "cathgate.prom"),
				       "audit.messages": str(messages)})
	association = t.associate(gateway)
	assert association.store(make("explicit")).status == 0
	eventually(lambda: list(messages.glob("*.log")))
	gateway.wait_log("can't be written")
	observer = gateway.helper("observer")
	metrics.mkdir()
	eventually((metrics / "cathgate.prom").exists)
	gateway.wait_log("the observer could not reach any more what it needs")
	assert child(gateway.pid, "observer") not in (None, observer)

	shutil.rmtree(messages)
	messages.mkdir()
	assert association.store(make("explicit")).status == 0
	study = gateway.wait_audit_beyond(1, event="instance")["study"]
	association.release()	# what was stored is told when its association has ended
	eventually(lambda: any(study in file.read_text() for file in messages.glob("*.log")))
	gateway.wait_log("the exporter could not reach any more what it needs")

	logs = t.work / "logs"
	logs.mkdir(mode=0o750)
	gateway = t.gateway(t.pacs(), {"audit.file": str(logs / "audit.jsonl"),
				       "audit.rotate_bytes": 4096})
	associations, stored = [t.associate(gateway)], set()
	logs.rename(t.work / "old-logs")
	logs.mkdir(mode=0o750)

	def is_stored():
		"""An auditor that ends may leave a record unanswered: then the modality is told of a
		failure, its association is aborted, and it calls again."""
		obj = make("explicit")
		try:
			if not associations:
				associations.append(t.associate(gateway))
			if associations[0].store(obj).status != 0:
				return False
		except (Aborted, Closed, OSError):	# it may notice as it sends, too
			associations.clear()
			return False
		stored.add(obj.sop_instance)
		return True

	while not (logs / "audit.jsonl").exists():	# until then in the old one, or refused
		is_stored()
	eventually(is_stored)
	gateway.wait_log("the auditor could not reach any more what it needs")
	associations[0].release()
	assert gateway.stop() == 0
	forwarded = set()
	for folder in logs, t.work / "old-logs":
		for file in folder.glob("audit*.jsonl"):
			forwarded |= {line["sop_instance"] for line in map(json.loads, open(file))
				      if line.get("outcome") == "forwarded"}
		tool("audit", "verify", folder / "audit.jsonl", "--key", t.pki / "audit.key.pub")
	assert stored <= forwarded, stored - forwarded
