"""Goal: while objects go into the spool and out of it, reloads change the spool's settings, its
key, an entry's mode and the PACS's port: no object fails, all arrive, and associations that
were open keep the mode that they began with. An entry that sends elsewhere now spools nothing
more for the old PACS."""
import threading

import spool
from harness import Test, eventually
from objects import make

with Test() as t:
	pacs = t.pacs()
	settings = spool.changes(t, retry_max_seconds=1)
	other = str(spool.make_key(t.work, "other.key"))
	gateway = t.gateway(pacs, settings)
	key = settings["spool"]["key"]
	statuses, done, sent = [], threading.Event(), []

	def store():
		modality = t.associate(gateway)
		while not done.is_set():
			obj = make("explicit", size=50000)
			sent.append(obj.sop_instance)
			statuses.append(modality.store(obj).status)
		modality.release()

	senders = [threading.Thread(target=store) for _ in range(3)]
	for sender in senders:
		sender.start()
	for number in range(12):
		before = len(statuses)
		eventually(lambda: len(statuses) > before + 5)
		keys = [[key, other], [other, key]][number % 2]
		mode = ["always", "fallback", "off"][number % 3]
		gateway.reload({"spool": {**settings["spool"], "key": keys, "mode": mode,
					  "public_key": f"{keys[0]}.pub", "give_up_hours": 1 + number},
				"destinations.0.port": pacs.port})
	done.set()
	for sender in senders:
		sender.join()
	assert set(statuses) == {0}, set(statuses)
	assert {line["outcome"] for line in gateway.audit(event="instance")} == {"spooled"}
	spool.wait_delivered(t)
	assert {message.command[0x1000] for message in iter(
		lambda: pacs.stored.get_nowait() if pacs.stored.qsize() else None, None)} == set(sent)

	gateway.reload(settings)
	modality = t.associate(gateway)
	assert modality.store(make("explicit")).status == 0
	elsewhere = {"name": "elsewhere", "host": "127.0.0.1", "port": 1, "called_ae_title": "X",
		     "tls": "none"}
	gateway.reload({**settings, "destinations.1": elsewhere, "modalities.0.destination": "elsewhere"})
	assert modality.store(make("explicit")).status == 0xA700
	assert gateway.audit(event="instance")[-1]["reason"] == "revoked-while-open"
