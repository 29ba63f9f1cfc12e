"""What a program prints to a terminal of some width."""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios

from wait import PATIENCE


def on_a_terminal(command, columns=80, status=0, stderr=None, **environment):
	"""As the terminal gets it, colours and all, but without its carriage returns. `stderr`
	True: that, and not the standard output."""
	us, it = pty.openpty()
	fcntl.ioctl(it, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
	process = subprocess.Popen(
		[*map(str, command)], stdin=subprocess.DEVNULL,
		stdout=subprocess.DEVNULL if stderr else it, stderr=it if stderr else None,
		env={**os.environ, "TERM": "xterm", **environment})
	os.close(it)
	shown = b""
	try:
		while part := os.read(us, 65536):
			shown += part
	except OSError:		# the terminal's way to say that nobody writes any more
		pass
	os.close(us)
	assert process.wait() == status, (command, shown)
	return shown.decode().replace("\r\n", "\n")


def typed(command, prompt, keys, environment=None):
	"""Types the keys once the prompt is there. What it shows, and its end as wait() has it:
	the terminal is its own, so that Ctrl-C reaches it."""
	pid, us = pty.fork()
	if pid == 0:
		os.execvpe(str(command[0]), [*map(str, command)], environment or os.environ)
	shown, keys = b"", keys.encode()
	try:
		while select.select([us], [], [], PATIENCE)[0] and (part := os.read(us, 65536)):
			shown += part
			if keys and prompt.encode() in shown:
				os.write(us, keys)
				keys = b""
	except OSError:		# as above
		pass
	os.close(us)	# which hangs it up, if it still waits
	return shown.decode().replace("\r\n", "\n"), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def plain(text):
	"""Without colours."""
	return re.sub("\x1b\\[[0-9;]*m", "", text)
