"""A command that is killed, or fails, at step N: strace puts the fault into the N-th system
call of a kind. Where a machine forbids ptrace, can_trace() is false."""
import contextlib
import os
import re
import signal
import subprocess

# A leak checker can't look while strace does.
ENVIRONMENT = {**os.environ,
	       "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
# From step to step. Under sanitizers, which make a process dear, only some are taken.
STRIDE = 3 if os.environ.get("CATHGATE_SANITIZE") else 1


def can_trace():
	try:
		return subprocess.run(["strace", "-o", "/dev/null", "true"],
				      capture_output=True).returncode == 0
	except FileNotFoundError:
		return False


def run_with_fault(command, call, step, fault):
	"""fault: "signal=SIGKILL" or "error=EIO". The finished process."""
	return subprocess.run(
		["strace", "-o", "/dev/null", "-e", f"trace={call}",
		 "-e", f"inject={call}:{fault}:when={step}", *map(str, command)],
		capture_output=True, stdin=subprocess.DEVNULL, text=True, env=ENVIRONMENT)


@contextlib.contextmanager
def traced(pid, call, log, *more):
	"""Writes down each such call of the process, and of those that it forks meanwhile, into
	the file `log`, which is whole afterwards."""
	tracer = subprocess.Popen(["strace", "-f", "-p", str(pid), "-e", f"trace={call}",
				   "-o", str(log), *more],
				  stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
	try:
		for _ in range(1 + more.count("-p")):
			while "attached" not in (line := tracer.stderr.readline()):
				assert line, "strace could not attach"
		yield
	finally:
		tracer.send_signal(signal.SIGINT)
		tracer.wait()


@contextlib.contextmanager
def stopped(pid, call, log):
	"""Whoever makes such a call, the process or one that it forks meanwhile, is stopped by
	it. Yields a function that returns the one that is, or None; in the end it goes on."""
	def found():
		seen = re.search(r"^(\d+) +--- stopped by SIGSTOP", log.read_text(), re.M)
		return int(seen[1]) if seen else None
	with traced(pid, call, log, "-e", f"inject={call}:signal=SIGSTOP"):
		yield found
	if found():
		os.kill(found(), signal.SIGCONT)


def created_files(command, log):
	"""Runs it under umask 0; yields (path or descriptor, mode) of whatever creates a file
	or changes a mode."""
	subprocess.run(["strace", "-f", "-y", "-o", str(log), "-e",
			"trace=openat,open,creat,mkdir,mkdirat,chmod,fchmod,fchmodat",
			"sh", "-c", 'umask 0; exec "$@"', "sh", *map(str, command)],
		       check=True, capture_output=True, stdin=subprocess.DEVNULL, env=ENVIRONMENT)
	for line in log.read_text().splitlines():
		if re.search(r"= -1 ", line):
			continue
		found = re.search(r"(?:openat?|creat)\(.*?\"([^\"]*)\".*O_CREAT.*, (0[0-7]+)\)", line) \
			or re.search(r"(?:mkdir|chmod|fchmodat|mkdirat)\(.*?\"([^\"]*)\", (0[0-7]+)", line) \
			or re.search(r"fchmod\(\d+<([^>]*)>, (0[0-7]+)\)", line)
		if found:
			yield found[1], int(found[2], 8)
