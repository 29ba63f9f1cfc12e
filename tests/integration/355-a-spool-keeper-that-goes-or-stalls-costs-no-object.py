"""Goal: while couriers empty a backlog, the spool keeper is killed, and the next one is stopped
for longer than a courier waits for it. The next couriers go on: each object is delivered as
it was, none is called changed, and few tries fail. One that finds another key in the file does nothing."""
import os
import signal
import time

import spool
from harness import Test, eventually
from objects import make

COUNT, TAKEN_S, PATIENCE_S = 120, 0.1, 10.5

with Test() as t:
	def serve(association):
		association.accept()
		while (message := association.receive()) is not None:
			time.sleep(TAKEN_S)
			pacs.stored.put(message.data)
			association.respond(message)
		association.send(b"\x06\0\0\0\0\x04\0\0\0\0")

	pacs = t.pacs(serve)
	settings = spool.changes(t)
	gateway = t.gateway(1, settings)	# nobody is there
	objects = [make("explicit", size=1000) for _ in range(COUNT)]
	modality = t.associate(gateway)
	for obj in objects:
		assert modality.store(obj).status == 0
	modality.release()

	gateway.reload({**settings, "destinations.0.port": pacs.port})
	eventually(lambda: pacs.stored.qsize() > 5)
	os.kill(gateway.helper("spool-keeper"), signal.SIGKILL)
	reached = pacs.stored.qsize()
	eventually(lambda: pacs.stored.qsize() > reached + 10)

	keeper = gateway.helper("spool-keeper")
	os.kill(keeper, signal.SIGSTOP)
	time.sleep(PATIENCE_S)
	os.kill(keeper, signal.SIGCONT)
	spool.wait_delivered(t)

	told = gateway.audit(event="delivery")
	assert {line["outcome"] for line in told} <= {"forwarded", "failed"}, told
	failed = [line["reason"] for line in told if line["outcome"] == "failed"]
	assert 0 < failed.count("spool-unavailable") < 10, failed
	assert sorted(pacs.stored.queue) == sorted(obj.data for obj in objects)

	# Another key has come into the file since the configuration was read: none that seals
	# for the one before may be opened by it.
	path, kept = t.work / "spool.key", t.work / "kept.key"
	path.rename(kept)
	spool.make_key(t.work, "other.key").rename(path)
	os.kill(gateway.helper("spool-keeper"), signal.SIGKILL)
	gateway.wait_log("spool.key holds another key than when the configuration was read")
	path.unlink()
	kept.rename(path)
	obj = make("explicit", size=1000)
	modality = t.associate(gateway)
	assert modality.store(obj).status == 0
	modality.release()
	eventually(lambda: obj.data in list(pacs.stored.queue))
