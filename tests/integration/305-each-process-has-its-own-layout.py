"""Goal: no process tells by a crash where another's memory lies: supervisor and helpers are each
executed anew, inherit no variable of systemd's, and can't be told by a user to play a role."""
import pathlib
import subprocess

from harness import Test, cathgated, children, descriptors, roles
from layout import assert_apart, needs_random_layouts

SYSTEMS = ("NOTIFY_SOCKET", "LISTEN_", "WATCHDOG_")


with Test() as t:
	needs_random_layouts()
	for arguments in (["--role", "auditor"], ["--role", "nobody"]):
		done = subprocess.run([cathgated(), *arguments], stdin=subprocess.DEVNULL,
				      capture_output=True, text=True)
		assert done.returncode == 2 and "not for people" in done.stderr, done

	(t.work / "messages").mkdir()
	gateway = t.configured(t.pacs(), {
		"destinations.0.host": "localhost", "audit.messages": str(t.work / "messages"),
		"metrics": {"textfile": str(t.work / "cathgate.prom")},
		"alerts": {"command": ["/bin/true"]}})
	gateway.start(environment={"WATCHDOG_USEC": "60000000"})
	descriptors(gateway.pid)	# or only root may look
	helpers = [gateway.helper(role)
		   for role in ("auditor", "keeper", "resolver", "dialler", "exporter", "observer",
				"alerter", "forker")]
	assert set(helpers) == set(children(gateway.pid, but_for=("scribe",))), roles(gateway.pid)
	assert_apart([gateway.pid, *helpers])
	for pid in helpers:
		variables = pathlib.Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
		assert "PATH" in {variable.partition("=")[0] for variable in variables}
		assert not [v for v in variables if v.startswith(SYSTEMS)], variables
