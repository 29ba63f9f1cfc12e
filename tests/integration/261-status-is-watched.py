#!/usr/bin/env python3
"""Goal: cathgate status --watch shows on a terminal what changes, bears a restart of the
gateway, and leaves the terminal as it was, however it ends; it refuses to fill a file."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios

from dicom import PATIENCE
from harness import Test, cathgate, eventually

ROWS = 20


class Terminal:
	"""A terminal, and a program on it."""
	def __init__(self, *command):
		self.ours, theirs = pty.openpty()
		fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, 80, 0, 0))
		self.before = termios.tcgetattr(theirs)
		self.program = subprocess.Popen(
			command, stdin=theirs, stdout=theirs, stderr=theirs,
			env={**os.environ, "TERM": "xterm", "NO_COLOR": ""},
			preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)))
		self.theirs = theirs
		self.text = ""

	def read(self):
		while select.select([self.ours], [], [], 0)[0]:
			self.text += os.read(self.ours, 65536).decode()

	def frame(self):
		"""What was drawn last, as a whole."""
		self.read()
		frames = self.text.split("\x1b[H")[1:]
		whole = [frame for frame in frames if frame.endswith("\x1b[J")
			 or "\x1b[?1049l" in frame]
		return whole[-1] if whole else ""

	def shows(self, words):
		eventually(lambda: words in self.frame())
		lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.frame()).split("\n")
		assert len(lines) <= ROWS, lines

	def has_ended_well(self):
		assert self.program.wait(PATIENCE) == 0, self.text
		self.read()
		assert self.text.endswith("\x1b[?25h\x1b[?1049l"), self.text[-100:]
		assert termios.tcgetattr(self.theirs) == self.before, "the terminal has changed"
		return True

	def key(self, key):
		os.write(self.ours, key)


with Test() as t:
	control = t.work / "control"
	gateway = t.gateway(t.pacs(), {"control": {"socket": str(control)}})
	watch = cathgate(), "status", "--socket", str(control), "--watch=1"
	terminal = Terminal(*watch)
	terminal.shows("0 associations open")
	# In colour.
	eventually(lambda: "\x1b[32mserving" in terminal.frame())
	modality = t.associate(gateway)
	terminal.shows("1 association open")
	modality.release()

	# A restart is told, and outlived.
	assert gateway.stop() == 0
	terminal.shows("doesn't answer")
	gateway.start()
	terminal.shows("0 associations open")

	# What doesn't fit the screen is left out, and said.
	fcntl.ioctl(terminal.ours, termios.TIOCSWINSZ, struct.pack("HHHH", 6, 80, 0, 0))
	terminal.shows("more lines")

	terminal.key(b"q")
	assert terminal.has_ended_well()
	for end in (lambda it: it.key(b"\x03"),	# as Ctrl-C comes
		    lambda it: it.program.send_signal(signal.SIGTERM)):
		terminal = Terminal(*watch)
		terminal.shows("0 associations open")
		assert not termios.tcgetattr(terminal.theirs)[3] & termios.ECHO
		end(terminal)
		assert terminal.has_ended_well()

	for option in ("--watch", "--watch=0", "--watch=soon", "--watch=99999"):
		done = subprocess.run([*watch[:-1], option], capture_output=True, text=True,
				      check=False)
		assert done.returncode == 2 and not done.stdout, done
		assert ("needs a terminal" if option == "--watch" else "number of seconds"
			) in done.stderr, done
	done = subprocess.run([*watch[:-1], "--watch", "5"], capture_output=True, text=True,
			      check=False)
	assert done.returncode == 2 and "--watch=5" in done.stderr, done
