"""Goal: what a running gateway starts is the program that it was started from, also when an
upgrade has put another file in its place; where it may not execute that, it says so and does
not start."""
import os
import pathlib
import shutil
import subprocess

from harness import Test, cathgate, cathgated, child
from objects import make
from steps import ENVIRONMENT, can_trace

NEXT = "#!/bin/sh\necho the next version has started >&2\nexit 1\n"


def program(pid):
	try:
		return os.readlink(f"/proc/{pid}/exe")
	except PermissionError:
		return None	# only root may look


def upgrade():
	"""As a package does it: another file takes the name."""
	new = pathlib.Path(f"{copy}.new")
	new.write_text(NEXT)
	new.chmod(0o755)
	new.rename(copy)


with Test() as t:
	original, os.environ["CATHGATE"] = cathgated(), cathgate()
	copy = t.work / "cathgated"
	shutil.copy(original, copy)
	os.environ["CATHGATED"] = str(copy)
	(t.work / "messages").mkdir()
	gateway = t.gateway(t.pacs(), {"audit.messages": str(t.work / "messages")})
	upgrade()
	for role in ("auditor", "exporter"):
		successor = gateway.replace(role)
		assert program(successor) in (f"{copy} (deleted)", None), program(successor)
	assert t.associate(gateway).store(make("explicit")).status == 0
	assert "the next version" not in gateway.log()
	assert child(gateway.pid, "exporter") == successor
	assert gateway.stop() == 0

	if can_trace():
		refused = t.configured(t.pacs())
		done = subprocess.run(
			["strace", "-f", "-o", "/dev/null", "-e", "trace=execveat", "-e",
			 "inject=execveat:error=EACCES", original,
			 "--config", refused.config, "--foreground"],
			stdin=subprocess.DEVNULL, capture_output=True, text=True, env=ENVIRONMENT)
		assert done.returncode == 2, done
		assert "can't execute its own file anew" in done.stderr, done.stderr
