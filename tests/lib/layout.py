"""Where things lie in the memory of processes."""
import pathlib
import re

from harness import Skip


def needs_random_layouts():
	if pathlib.Path("/proc/sys/kernel/randomize_va_space").read_text().strip() == "0":
		raise Skip("this machine does not randomise address layouts")


def bases(pid):
	"""Where program, heap, C library and stack begin."""
	found = {}
	for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
		name = line.split(maxsplit=5)[5:]
		what = re.search(r"cathgated|\[heap\]|libc\.so|\[stack\]", name[0]) if name else None
		if what:
			found.setdefault(what[0], line.partition("-")[0])
	assert len(found) >= 3, found
	return found


def assert_apart(pids):
	"""None of them tells where anything of another lies."""
	seen = {}
	for pid in pids:
		for what, base in bases(pid).items():
			other = seen.setdefault((what, base), pid)
			assert other == pid, f"{what} of {other} and {pid} is at {base}"
