#!/usr/bin/env python3
"""The audit log's hash chain by hand: what the gateway writes, and what a forger would.

	chain.py seal FILE	(re)makes `prev` and `hash` of every line, in place
"""
import hashlib
import pathlib
import re
import sys

SEAL = re.compile(rb',"prev":"[0-9a-f]{64}","hash":"[0-9a-f]{64}"\}$')


def seal(lines, prev="0" * 64):
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


def main():
	command, path = sys.argv[1:]
	assert command == "seal", __doc__
	write(path, seal(read(path)))


if __name__ == "__main__":
	main()
