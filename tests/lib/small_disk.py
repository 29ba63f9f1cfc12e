"""A disk of a few KiB that only the test can see, in a mount namespace of its own.

	small_disk.in_namespace()	# first: starts the test anew, inside; or skips it
	with Test() as t:
		disk = small_disk.mount("256k")
		small_disk.fill(disk)
"""
import os
import pathlib
import subprocess
import sys

from harness import SKIPPED

FOLDER = pathlib.Path("/mnt")


def in_namespace():
	if "CATHGATE_NAMESPACE" in os.environ:
		return
	for options in (["-m"], ["-rm"]):
		if subprocess.run(["unshare", *options, "mount", "-t", "tmpfs", "tmpfs", FOLDER],
				  stderr=subprocess.DEVNULL).returncode == 0:
			os.environ["CATHGATE_NAMESPACE"] = "1"
			os.execvp("unshare", ["unshare", *options, sys.executable, *sys.argv])
	print("skipped: this machine lets nobody mount a small disk")
	sys.exit(SKIPPED)


def mount(size, folder=FOLDER):
	subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
	return folder


def free(disk):
	system = os.statvfs(disk)
	return system.f_bavail * system.f_frsize


def fill(disk, left=0):
	"""All but so much, to the last byte of the last page, into the file `filler`."""
	with open(disk / "filler", "wb", buffering=0) as filler:
		try:
			if left:
				filler.write(bytes(free(disk) - left))
			while not left:
				filler.write(bytes(4096))
		except OSError:
			pass
