#!/usr/bin/env python3
"""The audit log's hash chain by hand, with nothing of the gateway's own: checked, and made
as a forger would.

	chain.py seal FILE	(re)makes `prev` and `hash` of every line, in place
"""
import hashlib
import json
import pathlib
import re
import sys

SEAL = re.compile(rb',"prev":"[0-9a-f]{64}","hash":"[0-9a-f]{64}"\}$')

ZEROS = "0" * 64


def seal(lines, prev=ZEROS):
	"""The same lines (bytes without newline) with a chain that holds."""
	out = []
	for line in lines:
		body = SEAL.sub(b"}", line)[:-1] + b',"prev":"%s"' % prev.encode()
		prev = hashlib.sha256(body).hexdigest()
		out.append(body + b',"hash":"%s"}' % prev.encode())
	return out


def read(path):
	return pathlib.Path(path).read_bytes().split(b"\n")[:-1]


def write(path, lines):
	pathlib.Path(path).write_bytes(b"".join(line + b"\n" for line in lines))


def check_line(text, prev, seq):
	"""One line, by its own hash and by the one before."""
	covered, _, rest = text.rpartition(',"hash":')
	line = json.loads(text)
	assert line["hash"] == hashlib.sha256(covered.encode()).hexdigest(), text
	assert rest == f'"{line["hash"]}"}}', text
	assert line["prev"] == prev and line["seq"] == seq, f"it does not go on: {text}"
	return line


def by_age(folder):
	"""Its files, oldest first."""
	rotated = sorted(folder.glob("audit-*.jsonl"),
			 key=lambda path: int(path.stem.partition("-")[2]))
	return [*rotated, folder / "audit.jsonl"]


def read_log(folder):
	"""Its lines that count, in order, each checked: a chain from 0 through all files."""
	lines = []
	for path in by_age(folder):
		read_file(path, lines)
	return lines


def read_file(path, lines):
	"""Adds its lines to those before."""
	texts = path.read_text().split("\n")
	assert texts.pop() == "", f"{path} ends within a line"
	for number, text in enumerate(texts):
		first = json.loads(text)
		if (number == 0 and first["event"] == "alert"
		    and first["reason"] == "audit-unavailable"):
			del lines[first["seq"]:]	# after a failed sync
		lines.append(check_line(text, lines[-1]["hash"] if lines else ZEROS,
					len(lines)))


def main():
	command, path = sys.argv[1:]
	assert command == "seal", __doc__
	write(path, seal(read(path)))


if __name__ == "__main__":
	main()
