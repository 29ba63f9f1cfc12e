"""What another process has in its memory: for root alone."""
import base64
import contextlib
import functools
import os
import re
import signal
import subprocess

from harness import eventually, stat

PIECE = 24	# bytes of a secret, enough to tell it


def memory(pid):
	content = []
	with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as source:
		with halted(pid):
			for area in maps.readlines():
				bounds = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", area)
				if not bounds or "[v" in area:
					continue
				begin, end = (int(bound, 16) for bound in bounds.groups())
				source.seek(begin)
				content.append(source.read(end - begin))
	assert content, "there is no memory to look into"
	return b"".join(content)


def is_halted(pid):
	return stat(pid)[0] in "Tt"	# stopped, or by a tracer


@contextlib.contextmanager
def halted(pid):
	"""So that no area comes or goes meanwhile."""
	if is_halted(pid):
		yield
		return
	os.kill(pid, signal.SIGSTOP)
	try:
		eventually(lambda: is_halted(pid))
		yield
	finally:
		os.kill(pid, signal.SIGCONT)


@functools.cache
def pieces(path):
	return list(pieces_of(path))


def pieces_of(path):
	"""Of the file's text, and of each secret number, in both byte orders."""
	text = path.read_text()
	if "BEGIN" not in text:
		yield text[:PIECE].encode()
		yield base64.b64decode(text)[:PIECE]
		return
	yield text.split("\n")[1][-PIECE:].encode()
	shown = subprocess.run(["openssl", "pkey", "-in", path, "-noout", "-text"],
			       stdout=subprocess.PIPE, check=True, text=True).stdout
	for number in re.findall(r"(?:priv|privateExponent|prime1):\n((?: +[0-9a-f:]+\n)+)", shown):
		secret = bytes.fromhex(re.sub(r"[\s:]", "", number)).lstrip(b"\0")
		yield secret[:PIECE]
		yield secret[::-1][:PIECE]
