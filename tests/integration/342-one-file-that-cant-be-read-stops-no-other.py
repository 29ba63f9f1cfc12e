"""Goal: the first object's file in the spool can't be opened, then opens and can't be read. The
objects behind it are delivered, one alert names it, and it is tried ever more rarely, and
not given up, for its destination isn't to blame. Once it can be read, it is delivered."""
import os
import pathlib
import signal
import socket
import time

import spool
from harness import Test, eventually
from objects import make

with Test() as t:
	pacs = t.pacs()
	settings = spool.changes(t, retry_max_seconds=4, give_up_hours=1)
	gateway = t.gateway(1, settings)

	def store(count):
		modality = t.associate(gateway)
		for _ in range(count):
			assert modality.store(make("explicit", size=2000)).status == 0
		modality.release()

	def alerts(text):
		return [line for line in gateway.audit(event="alert", reason="spool-unavailable")
			if text in line["detail"]]

	def stopped():
		"""The spooler, which sees nothing in between."""
		spooler = gateway.helper("spooler")
		os.kill(spooler, signal.SIGSTOP)
		eventually(lambda: "T (stopped)" in pathlib.Path(f"/proc/{spooler}/status").read_text())
		return spooler

	store(3)
	gateway.stop()	# so that no courier has a file already
	name = spool.names(t, "q")[0]
	path, number = t.work / "spool" / name, name.split(".")[0]
	path.rename(t.work / "kept")
	path = path.with_name(spool.renamed(t, name, stored=int(time.time()) - 4000))
	with socket.socket(socket.AF_UNIX) as never_opens:	# but with ENXIO
		never_opens.bind(str(t.work / "s"))
	(t.work / "s").rename(path)
	gateway.reconfigure({**settings, "destinations.0.port": pacs.port})
	gateway.start()
	eventually(lambda: pacs.stored.qsize() == 2)
	eventually(lambda: alerts("can't be opened: No such device"))
	assert number in alerts("can't be opened")[0]["detail"]

	spooler = stopped()
	path.unlink()
	path.mkdir()	# it opens, and can't be read
	os.kill(spooler, signal.SIGCONT)
	gateway.reload({**settings, "destinations.0.port": pacs.port, "destinations.0.couriers": 1})
	tries = lambda: gateway.audit(event="delivery", outcome="failed", reason="spool-unavailable")
	eventually(lambda: len(tries()) >= 3)
	store(1)
	eventually(lambda: pacs.stored.qsize() == 3)
	eventually(lambda: alerts("can't read or record"))
	assert [number in line["detail"] for line in alerts("can't read")] == [True]
	assert len(alerts("can't be opened")) == 1

	spooler = stopped()
	path.rmdir()
	os.rename(t.work / "kept", path)
	os.kill(spooler, signal.SIGCONT)
	eventually(lambda: pacs.stored.qsize() == 4)
