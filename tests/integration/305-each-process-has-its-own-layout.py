"""Goal: no process tells by a crash where another's memory lies: supervisor and helpers are each
executed anew, inherit no variable of systemd's, and can't be told by a user to play a role."""
import pathlib
import re
import subprocess

from harness import Skip, Test, cathgated, children, descriptors, roles

SYSTEMS = ("NOTIFY_SOCKET", "LISTEN_", "WATCHDOG_")


def bases(pid):
	"""Where program, heap, C library and stack begin."""
	found = {}
	for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
		name = line.split(maxsplit=5)[5:]
		what = re.search(r"cathgated|\[heap\]|libc\.so|\[stack\]", name[0]) if name else None
		if what:
			found.setdefault(what[0], line.partition("-")[0])
	assert len(found) >= 3, found
	return found


def assert_apart(pids):
	seen = {}
	for pid in pids:
		for what, base in bases(pid).items():
			other = seen.setdefault((what, base), pid)
			assert other == pid, f"{what} of {other} and {pid} is at {base}"


with Test() as t:
	if pathlib.Path("/proc/sys/kernel/randomize_va_space").read_text().strip() == "0":
		raise Skip("this machine does not randomise address layouts")
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
		   for role in ("auditor", "resolver", "exporter", "observer", "alerter")]
	assert set(helpers) == set(children(gateway.pid, but_for=("scribe",))), roles(gateway.pid)
	assert_apart([gateway.pid, *helpers])
	for pid in helpers:
		variables = pathlib.Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
		assert "PATH" in {variable.partition("=")[0] for variable in variables}
		assert not [v for v in variables if v.startswith(SYSTEMS)], variables
