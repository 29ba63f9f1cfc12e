#!/usr/bin/env python3
"""Goal: the gateway builds for arm64, and its unit tests pass there.

	arm64.py BUILD

Debian's cross compiler builds it in the folder BUILD, without a warning, with the headers and
libraries of a tree of Debian's arm64 packages; mmdebstrap makes that tree once. Nothing of
arm64 is installed on this machine. qemu's user mode runs the tests, where it is installed.
Exit status 77, with the reason, where the compiler or the mirror is missing."""
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/system"))
import machine	# noqa: E402

# These take minutes in an emulator, and what they hold depends on no processor.
SLOW = "unit/(log_mutation|messages|pki)$"
# Debian 12's qemu has no execveat in user mode, and no fork for another parent.
NOT_EMULATED = "unit/(fork|helper)$"
# An emulated process may stand still for seconds on a busy machine, which this doesn't forgive.
WAITING = "unit/audit_log$"


def suite():
	"""The compiler's own release: another's libraries may want a later libc."""
	return platform.freedesktop_os_release()["VERSION_CODENAME"]


def libraries():
	text = (ROOT / "tests/run.sh").read_text()
	names = re.search(r'^build="([^"]+)"', text, re.M)[1].split()
	return ["libc6-dev", *(name for name in names if name.endswith("-dev"))]


def make_sysroot(build):
	tree = build / "sysroot"
	if tree.exists():
		return tree
	making = build / "sysroot-making"
	shutil.rmtree(making, ignore_errors=True)
	# Packages are only unpacked: nothing of arm64 has to run for that.
	made = subprocess.run(
		["mmdebstrap", "--arch=arm64", "--variant=extract", f"--include={','.join(libraries())}",
		 '--aptopt=APT::Install-Recommends "false"', *machine.apt_options(),
		 suite(), making, machine.MIRROR],
		stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
	if made.returncode:
		shutil.rmtree(making, ignore_errors=True)
		print(made.stdout[-3000:])
		machine.skip("mmdebstrap makes no tree for arm64 here, see above")
	making.rename(tree)
	return tree


def run(*command):
	print("$", *command, flush=True)
	if subprocess.run(command).returncode:
		sys.exit(f"{command[0]} failed")


def main():
	build = pathlib.Path(sys.argv[1])
	if platform.machine() == "aarch64":
		machine.skip("this machine is one: every other test shows it")
	for tool in ("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-g++", "mmdebstrap"):
		if not shutil.which(tool):
			machine.skip(f"{tool} is not installed")
	build.mkdir(parents=True, exist_ok=True)
	sysroot = make_sysroot(build)
	run("cmake", "-G", "Ninja", "-S", ROOT, "-B", build / "arm64",
	    f"-DCMAKE_TOOLCHAIN_FILE={ROOT / 'tests/cross/aarch64.cmake'}",
	    f"-DCATHGATE_SYSROOT={sysroot}", "-DCATHGATE_WERROR=ON")
	run("cmake", "--build", build / "arm64")
	for program in ("src/cathgated", "src/cli/cathgate"):
		head = (build / "arm64" / program).read_bytes()[:20]
		assert head[18:20] == b"\xb7\x00", f"{program} is not for AArch64"
	if not shutil.which("qemu-aarch64"):
		print("it builds; qemu-aarch64 is not installed, so no test was run")
		return
	ctest = ("ctest", "--test-dir", build / "arm64", "-j", str(os.cpu_count()), "-L", "unit",
		 "--output-on-failure")
	run(*ctest, "-E", f"{SLOW}|{NOT_EMULATED}|{WAITING}")
	run(*ctest, "-R", WAITING, "--repeat", "until-pass:2")


main()
