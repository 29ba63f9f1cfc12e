"""Goal: what a killed `cathgate` leaves of a file that it was writing, a key perhaps, is gone
after the next run; an interruption leaves none; and what others put there stays."""
import os
import signal
import subprocess

from harness import SKIPPED, Test, cathgate
from steps import can_trace, run_with_fault

if not can_trace():
	print("skipped: no process can be traced here")
	raise SystemExit(SKIPPED)


def hidden(folder):
	return [path for path in folder.iterdir() if path.name.startswith(".")]


def renewed(config):
	done = subprocess.run([cathgate(), "certificate", "renew", "--config", config],
			      capture_output=True, text=True, check=False)
	assert done.returncode == 0, done


with Test() as t:
	config = t.work / "site/cathgate.conf"
	made = subprocess.run([cathgate(), "setup", "--directory", t.work / "site",
			       "--log-directory", t.work / "log", "--host", "gw.test",
			       "--listen", "127.0.0.1", "--pacs-host", "127.0.0.1",
			       "--pacs-ae-title", "PACS", "--pacs-ca", t.pki / "hospital-ca.crt",
			       "--user", "root" if os.geteuid() == 0 else
			       str(os.geteuid())], capture_output=True, text=True, check=False)
	assert made.returncode == 0, made.stderr
	tls = config.parent / "tls"
	renew = [cathgate(), "certificate", "renew", "--config", config]

	run_with_fault(renew, "/^rename", 1, "signal=SIGKILL:error=EIO")
	left = hidden(tls)
	assert left and any("KEY" in path.read_text() for path in left), left

	kept = [tls / ".gateway.key.original", tls / ".cathgate-draft-link",
		tls / ".cathgate-draft-folder", tls / ".cathgate-draft-twice"]
	kept[0].write_text("an admin's")
	kept[1].symlink_to(config)
	kept[2].mkdir()
	os.link(config, kept[3])
	renewed(config)
	assert sorted(hidden(tls)) == sorted(kept), hidden(tls)
	assert config.exists()

	# Ctrl-C amid each step of writing: all of it is done, or nothing.
	for call in ("openat", "write", "fsync", "/^rename"):
		for step in range(1, 60):
			done = run_with_fault(renew, call, step, "signal=SIGINT")
			assert sorted(hidden(tls)) == sorted(kept), (call, step, hidden(tls))
			if done.returncode == 0:
				break
