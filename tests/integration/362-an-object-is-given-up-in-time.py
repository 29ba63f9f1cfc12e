"""Goal: an object that has waited for longer than spool.give_up_hours is tried once more. If that
fails, too, it is given up: the log says so once, and it stays in the spool as dead. A younger
one waits on, and is delivered."""
import time

import spool
from harness import Test, eventually
from objects import make

with Test() as t:
	folder, settings = t.work / "spool", spool.changes(t, give_up_hours=1)
	gateway = t.gateway(1, settings)
	modality, sent = t.associate(gateway), [make("explicit", size=1000) for _ in range(3)]
	for obj in sent:
		assert modality.store(obj).status == 0
	modality.release()
	gateway.stop()
	first, second, young = spool.names(t, "q")

	def age(name):
		(folder / name).rename(folder / spool.renamed(t, name, stored=int(time.time()) - 3700))

	age(first)
	gateway.start()
	line = gateway.wait_audit(event="delivery", outcome="given-up")
	assert first.split(".")[0] in line["detail"] and line["sop_instance"] == sent[0].sop_instance, line
	eventually(lambda: len(spool.names(t, "x")) == 1)
	eventually(lambda: len(gateway.audit(event="delivery", outcome="failed")) > 2)
	assert spool.names(t, "q") == [second, young]
	gateway.stop()

	# the PACS is there for the last try
	age(second)
	pacs = t.pacs()
	gateway.reconfigure({**settings, "destinations.0.port": pacs.port})
	gateway.start()
	assert {pacs.stored.get().data for _ in range(2)} == {obj.data for obj in sent[1:]}
	spool.wait_delivered(t)
	assert len(gateway.audit(outcome="given-up")) == 1
	assert len(spool.names(t, "x")) == 1 and pacs.stored.empty()
