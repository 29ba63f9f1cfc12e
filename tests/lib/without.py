"""Runs a command as on a kernel, or in a unit, that lacks a system call: it answers as asked.

	without.py CALL ERRNO COMMAND...	e.g. without.py landlock_create_ruleset ENOSYS sh"""
import ctypes
import errno
import os
import platform
import struct
import sys

CALLS = {"landlock_create_ruleset": {"x86_64": 444, "aarch64": 444},
	 "landlock_restrict_self": {"x86_64": 446, "aarch64": 446},
	 "seccomp": {"x86_64": 317, "aarch64": 277}}
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7fff0000, 0x00050000


class Program(ctypes.Structure):
	_fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def answer(call, error):
	"""From here on, in this process and all that it starts. Where the call is seccomp
	itself, prctl still loads the filter."""
	number = CALLS[call][platform.machine()]
	code = b"".join(struct.pack("HBBI", *instruction) for instruction in (
		(LOAD, 0, 0, 0), (JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, ERRNO | error),
		(RETURN, 0, 0, ALLOW)))
	room = ctypes.create_string_buffer(code)
	program = Program(len(code) // 8, ctypes.cast(room, ctypes.c_void_p))
	libc = ctypes.CDLL(None, use_errno=True)
	if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or \
	   libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
		sys.exit(f"no filter here: {os.strerror(ctypes.get_errno())}")


def wrapper(path, program, call, error):
	"""A script in the place of the program, for such a kernel."""
	path.write_text(f"#!/bin/sh\nexec {sys.executable} {os.path.abspath(__file__)} "
			f"{call} {error} {program} \"$@\"\n")
	path.chmod(0o755)
	return str(path)


if __name__ == "__main__":
	answer(sys.argv[1], getattr(errno, sys.argv[2]))
	os.execv(sys.argv[3], sys.argv[3:])
