"""Goal: the clock leaps a day ahead while an object waits: it waits on. When its time has
passed in earnest, it is given up. An operator's retry begins its time anew, while it waits and
when it was given up, and it is listed as come when it came."""
import os
import subprocess
import time

import spool
from clock import MODULE, Clock
from harness import Skip, Test, cathgate, eventually
from objects import make

HOUR, DAY = 3600, 86400

with Test() as t:
	if os.environ.get("CATHGATE_SANITIZE") or not os.access(MODULE, os.R_OK):
		raise Skip("nothing is preloaded before a sanitizer's library")
	gateway = t.configured(1, spool.changes(t, retry_max_seconds=1, give_up_hours=2))
	clock = Clock(t.work / "clock")
	gateway.start(environment=clock.environment)
	modality = t.associate(gateway)
	assert modality.store(make("explicit", size=1000)).status == 0
	modality.release()

	def tries(outcome):
		return len(gateway.audit(event="delivery", outcome=outcome))

	def fails_again(times=2):
		more = tries("failed") + times
		eventually(lambda: tries("failed") >= more)
		assert spool.states(t) == ["q"]

	def passes(seconds):
		"""Between two tries, when nobody waits for an answer."""
		time.sleep(0.3)
		clock.passes(seconds)

	def came():
		return subprocess.run([cathgate(), "spool", "list", "--config", gateway.config],
				      capture_output=True, text=True).stdout.splitlines()[1].split()[2:4]

	fails_again()
	came_at = came()
	clock.set(DAY)
	fails_again(4)
	passes(HOUR)
	fails_again()

	def retry(state):
		return subprocess.run([cathgate(), "spool", "retry", "--yes", "--state", state, "--config",
				       gateway.config], capture_output=True).returncode == 0

	named = spool.names(t)
	eventually(lambda: retry("queued") and spool.names(t) != named)	# not while it is being sent
	passes(3 * HOUR // 2)
	fails_again(4)
	passes(HOUR)
	eventually(lambda: spool.states(t) == ["x"])
	assert tries("given-up") == 1
	eventually(lambda: retry("dead"))
	fails_again(4)
	assert tries("given-up") == 1 and came() == came_at, (came(), came_at)
