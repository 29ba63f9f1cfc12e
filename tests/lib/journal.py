"""A systemd-journald of the test's own, in a mount namespace of its own, with /run in memory.

	journal.in_namespace()		# first: starts the test anew, inside; or skips it
	with Test() as t, Journal() as journal:
		...
		assert journal.entries(CATHGATE_OUTCOME="refused")
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys

import dicom
from harness import SKIPPED, eventually

JOURNALD = "/lib/systemd/systemd-journald"
SOCKET = pathlib.Path("/run/systemd/journal/socket")
CONFIGURATION = """[Journal]
Storage=volatile
ReadKMsg=no
Audit=no
ForwardToWall=no
RateLimitIntervalSec=0
"""


def skip(why):
	print(f"skipped: {why}")
	sys.exit(SKIPPED)


def in_namespace():
	if "CATHGATE_NAMESPACE" in os.environ:
		return
	if not os.access(JOURNALD, os.X_OK) or not shutil.which("journalctl"):
		skip("there is no systemd-journald: install systemd")
	if not os.path.exists("/etc/machine-id"):
		skip("journald needs /etc/machine-id: systemd-machine-id-setup makes one")
	for options in (["-m"], ["-rm"]):
		if subprocess.run(["unshare", *options, "mount", "-t", "tmpfs", "tmpfs", "/run"],
				  stderr=subprocess.DEVNULL).returncode == 0:
			os.environ["CATHGATE_NAMESPACE"] = "1"
			os.execvp("unshare", ["unshare", *options, sys.executable, *sys.argv])
	skip("this machine lets nobody mount a /run of its own")


def answers():
	with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
		try:
			s.connect(str(SOCKET))
		except OSError:
			return False
	return True


class Journal:
	"""With `held`, the socket is ours and outlives journald, as under systemd."""

	def __init__(self, held=False):
		self.is_held = held
		self.held = None
		self.process = None

	def __enter__(self):
		subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
		pathlib.Path("/run/machine-id").write_text("0123456789abcdef" * 2 + "\n")
		subprocess.run(["mount", "--bind", "/run/machine-id", "/etc/machine-id"],
			       check=True)
		folder = pathlib.Path("/run/systemd/journald.conf.d")
		folder.mkdir(parents=True)
		(folder / "test.conf").write_text(CONFIGURATION)
		SOCKET.parent.mkdir()
		if self.is_held:
			self.held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
			self.held.bind(str(SOCKET))
		return self

	def __exit__(self, *fault):
		if self.process:
			self.stop()
		if self.held:
			self.held.close()

	def start(self):
		command, descriptors = [JOURNALD], ()
		if self.held:
			descriptors = (self.held.fileno(),)
			command = ["sh", "-c", f"exec 3<&{descriptors[0]}; LISTEN_FDS=1 "
				   f"LISTEN_PID=$$ exec {JOURNALD}"]
		self.process = subprocess.Popen(command, pass_fds=descriptors,
						stderr=subprocess.DEVNULL)
		eventually(lambda: answers() and self.files())
		return self

	def stop(self):
		"""Told to end, it writes what has come first."""
		self.process.send_signal(signal.SIGTERM)
		assert self.process.wait(dicom.PATIENCE) == 0, "journald ended badly"
		self.process = None

	@staticmethod
	def files():
		return list(pathlib.Path("/run/log/journal").glob("*/system.journal"))

	@staticmethod
	def entries(**wanted):
		"""Those with all of these fields, in order."""
		matches = [f"{name}={value}" for name, value in wanted.items()]
		lines = subprocess.run(
			["journalctl", "-D", "/run/log/journal", "-o", "json", "--all", "-q",
			 "SYSLOG_IDENTIFIER=cathgated", *matches],
			stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
		return [json.loads(line) for line in lines]

	def numbers(self):
		return [int(entry["CATHGATE_SEQ"]) for entry in self.entries()]
