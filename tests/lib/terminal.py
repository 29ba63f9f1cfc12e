"""What a program prints to a terminal of some width."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios


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


def plain(text):
	"""Without colours."""
	return re.sub("\x1b\\[[0-9;]*m", "", text)
