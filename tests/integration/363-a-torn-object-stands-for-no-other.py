"""Goal: an object whose file is torn, and that an operator tries again, is named so still. When
the modality sends it again, it is delivered, bit for bit."""
import os
import subprocess

import spool
from harness import Test, cathgate, eventually
from objects import make

with Test() as t:
	settings, pacs = spool.changes(t, retry_max_seconds=1), t.pacs()
	gateway, obj = t.gateway(1, settings), make("explicit", size=100000)

	def store():
		modality = t.associate(gateway)
		assert modality.store(obj).status == 0
		modality.release()

	def restart(**changes):
		if gateway.process.poll() is None:
			gateway.stop()
		gateway.reconfigure({**settings, "destinations.0.port": pacs.port, **changes})
		gateway.start()

	store()
	gateway.stop()
	name, = spool.names(t, "q")
	named = t.work / "spool" / spool.renamed(t, name, state="n")	# a crash came before its answer
	(t.work / "spool" / name).rename(named)
	os.truncate(named, 50000)
	restart()
	eventually(lambda: spool.states(t) == ["x"])
	assert pacs.stored.empty()

	def retry():
		subprocess.run([cathgate(), "spool", "retry", "--yes", "--state", "dead", "--config",
				gateway.config], check=True, capture_output=True)

	def away():
		"""Nobody reads it while the configuration has no such destination."""
		restart(**{"destinations.0.name": "archive", "modalities.0.destination": "archive"})

	away()
	retry()
	assert spool.states(t) == ["n"]
	restart()
	eventually(lambda: spool.states(t) == ["x"])
	store()
	assert pacs.stored.get().data == obj.data
	assert len(spool.names(t, "x")) == 1
