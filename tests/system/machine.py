#!/usr/bin/env python3
"""Runs a script as root under a real systemd, in a tree of its own of a Debian release.

	machine.py SUITE TREES SCRIPT [--keep-build]

SUITE is trixie or bookworm. Its tree, with what building and testing needs, is made once by
mmdebstrap in the folder TREES; each run sees it through an overlay, with this repository's
files in /src. What is in /src/build stays with --keep-build; other runs find it there through an
overlay of their own, so that they compile only what they add. Nothing reaches the network. Exit status 77, with the reason, where this machine lets nobody have
namespaces or the mirror.
"""
import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SKIPPED = 77
PATIENCE = 300	# seconds that only a hang reaches
MIRROR = "http://deb.debian.org/debian"
BESIDES = ("systemd-sysv dbus lintian man-db bash-completion file fdisk nftables acl "
	   "prometheus-node-exporter")
# Another version formats otherwise, Prometheus would be one more service, and one build for
# arm64, one hunt of the fuzzers, one search of the model and one try of the kernel's file
# systems are enough.
NOT_THERE = {"clang-format", "mmdebstrap", "prometheus",
	     "clang", "libfuzzer-14-dev", "libclang-rt-14-dev", "libfuzzer-19-dev",
	     "libclang-rt-19-dev", "frama-c-base", "spin", "xfsprogs", "btrfs-progs",
	     "apt-utils", "gpg", "gcc-aarch64-linux-gnu", "g++-aarch64-linux-gnu", "qemu-user"}
# Only 20-the-other-tests-pass.py needs these, which one release runs.
FOR_OTHER_TESTS = {"libcmocka-dev", "orthanc", "odil", "ctn", "jq", "strace", "libxml2-utils",
		   "mandoc", "rsyslog", "rsyslog-openssl"}
ALL_TESTS = "trixie"
CGROUPS = [pathlib.Path("/sys/fs/cgroup/unified"), pathlib.Path("/sys/fs/cgroup")]


def skip(why):
	print(f"skipped: {why}")
	sys.exit(SKIPPED)


def packages(suite):
	"""Those of tests/run.sh, and what makes a machine of them."""
	text = (ROOT / "tests/run.sh").read_text()
	names = " ".join(re.findall(rf'^(?:build|peers|{suite})="([^"]+)"', text, re.M)).split()
	return sorted({*names, *BESIDES.split()} - NOT_THERE
		      - (set() if suite == ALL_TESTS else FOR_OTHER_TESTS))


def apt_options():
	"""The host's own way to the mirror."""
	said = subprocess.run(["apt-config", "dump"], stdout=subprocess.PIPE, text=True).stdout
	ways = re.findall(r'^(Acquire::(?:https?::\S*|Check-\S+) ".+";)$', said, re.M)
	return [f"--aptopt={way}" for way in ways]


def make_tree(suite, trees):
	wanted = packages(suite)
	mark = hashlib.sha256(" ".join(wanted).encode()).hexdigest()[:12]
	tree = trees / f"{suite}-{mark}"
	if tree.exists():
		return tree
	for old in (*trees.glob(f"{suite}-*"), *trees.glob(f"build-{suite}-*")):
		shutil.rmtree(old)
	trees.mkdir(parents=True, exist_ok=True)
	making = trees / f"{suite}-making"
	made = subprocess.run(
		["mmdebstrap", "--variant=minbase", f"--include={','.join(wanted)}",
		 '--aptopt=APT::Install-Recommends "false"', *apt_options(),
		 suite, making, MIRROR],
		stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
	if made.returncode:
		shutil.rmtree(making, ignore_errors=True)
		print(made.stdout[-3000:])
		skip(f"mmdebstrap makes no {suite} here, see above")
	making.rename(tree)
	return tree


def copy_sources(to):
	"""What a clone would have, with what is new in the working tree."""
	listed = subprocess.run(
		["git", "-C", ROOT, "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached",
		 "--others", "--exclude-standard"], stdout=subprocess.PIPE)
	if listed.returncode:	# no clone, but its files
		shutil.copytree(ROOT, to, ignore=shutil.ignore_patterns("build", ".git"))
		return
	for name in listed.stdout.decode().split("\0"):
		if name and (ROOT / name).is_file():
			(to / name).parent.mkdir(parents=True, exist_ok=True)
			shutil.copy2(ROOT / name, to / name)


class Machine:
	def __init__(self, tree, keeps_build):
		self.work = pathlib.Path(tempfile.mkdtemp(prefix="machine-", dir=tree.parent))
		self.tree = tree
		self.build = tree.with_name(f"build-{tree.name}")
		self.keeps = "keep" if keeps_build else ""
		self.leader = None
		self.group = None

	def __enter__(self):
		copy_sources(self.work / "changes/src")
		self.build.mkdir(exist_ok=True)
		self.group = self.make_group()
		join = f"echo $$ >{self.group}/cgroup.procs; " if self.group else ""
		self.process = subprocess.Popen(
			["sh", "-c", join + 'exec unshare --pid --fork --kill-child --mount --uts '
			 '--ipc --cgroup --net sh "$0" "$1" "$2" "$3" "$4"',
			 HERE / "boot.sh", self.tree, self.work, self.build, self.keeps],
			stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
			text=True, start_new_session=True)
		self.wait_running()
		return self

	def make_group(self):
		"""Below the root, so that its systemd doesn't work in the host's."""
		for place in CGROUPS:
			if (place / "cgroup.controllers").exists():
				group = place / self.work.name
				try:
					group.mkdir()
				except OSError:
					return None
				return group
		return None

	def wait_running(self):
		deadline = time.monotonic() + PATIENCE
		while time.monotonic() < deadline:
			if self.process.poll() is not None:
				skip("no systemd can be booted here: "
				     + self.process.stdout.read().strip())
			if self.leader is None:
				found = subprocess.run(["pgrep", "-P", str(self.process.pid)],
						       stdout=subprocess.PIPE, text=True).stdout.split()
				self.leader = int(found[0]) if found else None
			elif self.run("systemctl", "is-system-running", stdout=subprocess.PIPE,
				      stderr=subprocess.DEVNULL).stdout in (b"running\n", b"degraded\n"):
				return
			time.sleep(0.1)
		sys.exit("the machine did not come up")

	def run(self, *command, **more):
		return subprocess.run(["nsenter", f"--target={self.leader}", "--all", "--root",
				       "--wd", "env", "HOME=/root", "LC_ALL=C.UTF-8", *command],
				      stdin=subprocess.DEVNULL, **more)

	def __exit__(self, *_):
		if self.leader:
			os.kill(self.leader, signal.SIGKILL)	# the whole namespace goes with it
		elif self.process.poll() is None:
			self.process.kill()
		self.process.wait()
		if self.group:
			for folder, _, _ in os.walk(self.group, topdown=False):
				remove_group(folder)
		shutil.rmtree(self.work, ignore_errors=True)


def remove_group(folder):
	"""The kernel takes a moment to see that all of its processes are gone."""
	for _ in range(50):
		try:
			os.rmdir(folder)
			return
		except OSError:
			time.sleep(0.02)


def main():
	suite, trees, script, *keeps_build = sys.argv[1:]
	if os.geteuid() != 0:
		skip("only root can boot a machine in namespaces")
	for tool in ("mmdebstrap", "unshare", "nsenter", "pivot_root"):
		if not shutil.which(tool):
			skip(f"there is no {tool} on this machine")
	probe = subprocess.run(["unshare", "--pid", "--fork", "--mount", "--uts", "--ipc",
				"--cgroup", "--net", "true"], stderr=subprocess.PIPE, text=True)
	if probe.returncode:
		skip(f"no namespaces here: {probe.stderr.strip()}")
	tree = make_tree(suite, pathlib.Path(trees))
	with Machine(tree, keeps_build) as machine:
		return machine.run("env", "PYTHONPATH=/src/tests/lib:/src/tests/system",
				   f"CATHGATE_SUITE={suite}",
				   "python3", f"/src/tests/system/{script}").returncode


if __name__ == "__main__":
	sys.exit(main())
