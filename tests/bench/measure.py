"""What a run costs: CPU time and memory of processes, an fdatasync, and the machine."""
import os
import pathlib
import platform
import re
import statistics
import subprocess
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")


def children(pid):
	try:
		return [int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
			for child in (task / "children").read_text().split()]
	except OSError:
		return []


def tree(pids):
	"""The processes, and all that they have started."""
	found = list(pids)
	for pid in found:
		found += children(pid)
	return found


def stat(pid):
	"""/proc/PID/stat from the state on; None when it is gone."""
	try:
		return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
	except OSError:
		return None


def running(pids):
	"""How many of the trees' processes haven't ended, waited for or not."""
	return sum(1 for pid in tree(pids) if (fields := stat(pid)) and fields[0] != "Z")


def cpu_seconds(pids):
	"""Of the trees, children that have ended and were waited for included."""
	found = [fields for pid in tree(pids) if (fields := stat(pid))]
	return sum(int(ticks) for fields in found for ticks in fields[11:15]) / TICKS


def status_kib(pid, name):
	status = pathlib.Path(f"/proc/{pid}/status").read_text()
	return int(re.search(rf"^{name}:\s+(\d+)", status, re.M)[1])


def memory_kib(pid):
	"""Its proportional share, so that what processes share counts once; its resident set
	where only root may ask for that."""
	try:
		text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
		return int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1])
	except PermissionError:
		return status_kib(pid, "VmRSS")
	except (OSError, TypeError):
		return 0	# it has just ended


class Peak:
	"""with Peak(pids) as peak: ...; peak.kib is the trees' highest memory together."""

	EVERY = 0.05	# seconds

	def __init__(self, pids):
		self.pids = pids
		self.kib = 0
		self.over = threading.Event()
		self.thread = threading.Thread(target=self.watch)

	def watch(self):
		while True:
			self.kib = max(self.kib, sum(map(memory_kib, tree(self.pids))))
			if self.over.wait(self.EVERY):
				break

	def __enter__(self):
		if self.pids:
			self.thread.start()
		return self

	def __exit__(self, *_):
		self.over.set()
		if self.pids:
			self.thread.join()


def fdatasync_seconds(folder, count, pause=0):
	"""The median for 1 KB appended to a file there, at once again or after a pause, in
	which disk, journal and processor go to rest."""
	times = []
	path = pathlib.Path(folder) / "fdatasync"
	fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
	for _ in range(count):
		if pause:
			time.sleep(pause)
		os.write(fd, b"x" * 1024)
		began = time.perf_counter()
		os.fdatasync(fd)
		times.append(time.perf_counter() - began)
	os.close(fd)
	path.unlink()
	return statistics.median(times)


def first_line(*command):
	try:
		run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
				     text=True, check=False)
	except FileNotFoundError:
		return "missing"
	lines = [line for line in run.stdout.splitlines() if re.search(r"\d\.\d", line)]
	return lines[0].strip("$ ") if lines else "unknown"


def machine(cathgated, orthanc):
	cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
	release = platform.freedesktop_os_release()
	return {
		"cpu": cpu[1] if cpu else platform.machine(),
		"cores": os.cpu_count(),
		"memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
				    / 2**30),
		"kernel": platform.release(),
		"system": release.get("PRETTY_NAME", ""),
		"cathgated": first_line(cathgated, "--version"),
		"dcmtk": first_line("storescp", "--version"),
		"openssl": first_line("openssl", "version"),
		"stunnel": first_line("stunnel", "-version"),
		"orthanc": first_line(orthanc, "--version"),
	}
