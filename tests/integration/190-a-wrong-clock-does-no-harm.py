"""Goal: a clock that is set back, or is fast for a while, holds up no rotation, removes no
file, hides no PACS's health and swallows no warning."""
import datetime
import json
import os
import pathlib
import subprocess

from clock import MODULE, Clock
from harness import Skip, Test, cathgate, eventually
from objects import make

HOUR, DAY = 3600, 86400


def begin(name, pacs=None, changes=None):
	gateway = t.configured(pacs, changes)
	clock = Clock(t.work / f"clock-{name}")
	gateway.start(environment=clock.environment)
	return gateway, clock


def restart(gateway, clock):
	assert gateway.stop() == 0
	gateway.start(environment=clock.environment)


def store(gateway):
	"""And waits until the association's last line is written: it would be the first of the
	next file, if the log is rotated then."""
	modality = t.associate(gateway)
	status = modality.store(make("explicit")).status
	modality.release()
	eventually(lambda: not gateway.associations())
	return status


def wait_rotated(gateway, count):
	eventually(lambda: len(list(gateway.folder.glob("audit-*.jsonl"))) == count)


with Test() as t:
	if os.environ.get("CATHGATE_SANITIZE") or not os.access(MODULE, os.R_OK):
		raise Skip("nothing is preloaded before a sanitizer's library")

	# Set back in use: the file is as old as it is. What wakes the auditor is the
	# supervisor's question whether it is alive.
	gateway, clock = begin("back", t.pacs(), {"audit.rotate_hours": 2})
	assert store(gateway) == 0
	clock.set(-12 * HOUR)
	clock.passes(2 * HOUR + 60)
	wait_rotated(gateway, 1)
	# And while the gateway was off: nobody knows how old the file is.
	clock.set(0)
	assert store(gateway) == 0
	assert gateway.stop() == 0
	clock.set(-12 * HOUR)
	gateway.start(environment=clock.environment)
	wait_rotated(gateway, 2)
	assert gateway.stop() == 0

	# Fast for a while, and started several times meanwhile: what is old by that clock
	# stays, also the audit messages.
	messages = t.work / "messages"
	messages.mkdir()
	note = messages / "cathgate-used-x.log"
	note.write_text("# none\n")
	gateway, clock = begin("fast", t.pacs(), {
		"audit.keep_days": 30, "audit.rotate_bytes": 4096,
		"audit.messages": str(messages)})
	while not (gateway.folder / "audit-0.jsonl").exists():
		assert store(gateway) == 0
	for _ in range(3):
		clock.set(3 * 365 * DAY)
		restart(gateway, clock)
	assert gateway.stop() == 0
	assert (gateway.folder / "audit-0.jsonl").exists(), "a wrong clock removed the log"
	assert note.exists(), "a wrong clock removed audit messages"
	assert len(list(messages.glob("cathgate-0*"))) == 1

	# Fast while the PACS fails: it is well again when it takes an instance.
	answers = [0xA700, 0x0000]
	def answer_each(association):
		association.accept()
		association.respond(association.receive(), answers.pop(0))
		association.serve()
	control = pathlib.Path("/tmp") / f"{t.work.name}-control"
	gateway, clock = begin("health", t.pacs(answer_each), {
		"control": {"socket": str(control)}})
	def shown():
		done = subprocess.run([cathgate(), "status", "--json", "--socket", control],
				      capture_output=True, check=False)
		return json.loads(done.stdout) if done.returncode == 0 else None
	clock.set(12 * HOUR)
	assert store(gateway) == 0xA700
	assert eventually(shown)["uptime_seconds"] < HOUR
	clock.set(0)
	assert store(gateway) == 0
	eventually(lambda: (now := shown()) and now["destinations"][0]["last_success"] and now)
	assert shown()["destinations"][0]["health"] == "good"

	# Fast until behind a certificate's end: what is still to come is told of all the same.
	clock.set(20 * 365 * DAY)
	clock.passes(61)
	def warned(of):
		# A leap of the clock makes the file old, too.
		try:
			lines = [json.loads(line) for path in gateway.folder.glob("audit*.jsonl")
				 for line in path.read_text().split("\n")[:-1]]
		except FileNotFoundError:	# it was rotated just now
			return []
		return [line for line in lines if line["event"] == "alert"
			and "gateway.crt" in line["detail"] and of in line["detail"]]
	eventually(lambda: warned("ended on"))
	end, = {line["detail"].partition("ended on ")[2][:10] for line in warned("ended on")}
	clock.set(int((datetime.datetime.fromisoformat(end + "T12:00+00:00")
		       - datetime.datetime.now(datetime.timezone.utc)).total_seconds())
		  - 6 * DAY - clock.passed)
	clock.passes(61)
	eventually(lambda: warned(f"ends on {end}"))
	control.unlink(missing_ok=True)
