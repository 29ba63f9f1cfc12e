"""A disk in a file, on a loop device, in a mount namespace of the test's own; and copies of it,
each of which is what a loss of power would have left at that moment.

	disk_image.in_namespace()	# first: starts the test anew, inside; or skips it
	disk = disk_image.Disk("ext4", ["mkfs.ext4", "-q"], 64)
	disk.mount()			# at disk_image.PLACE
	copy = disk.copy()
	disk.unmount()
	copy.mount()			# which replays the journal
"""
import itertools
import os
import pathlib
import shutil
import subprocess
import sys

import harness
import small_disk

PLACE = small_disk.FOLDER / "disk"


def in_namespace():
	if os.geteuid() != 0:
		print("skipped: only root can mount a disk from a file")
		sys.exit(harness.SKIPPED)
	small_disk.in_namespace()
	small_disk.mount("2g")
	PLACE.mkdir()


class Disk:
	numbers = itertools.count(1)

	def __init__(self, kind, make, size_mib, options="defaults"):
		"""`make`: the command that makes its file system, but for the file."""
		self.kind, self.options, self.is_copy = kind, options, make is None
		self.image = small_disk.FOLDER / f"disk-{next(self.numbers)}"
		self.device = None
		if self.is_copy:
			return
		if not shutil.which(make[0]):
			raise harness.Skip(f"there is no {make[0]} on this machine")
		with open(self.image, "wb") as file:
			file.truncate(size_mib << 20)
		subprocess.run([*make, self.image], check=True, stdout=subprocess.DEVNULL)

	def mount(self):
		mounted = subprocess.run(["mount", "-t", self.kind, "-o", f"loop,{self.options}",
					  self.image, PLACE], stderr=subprocess.PIPE, text=True)
		assert not mounted.returncode or not self.is_copy, mounted.stderr
		if mounted.returncode:
			raise harness.Skip(f"this machine mounts no {self.kind} from a file: "
					   + mounted.stderr.partition("\n")[0])
		self.device = subprocess.run(["findmnt", "-no", "SOURCE", "-M", PLACE],
					     stdout=subprocess.PIPE, text=True,
					     check=True).stdout.strip().removeprefix("/dev/")

	def unmount(self):
		"""Its device goes with it."""
		subprocess.run(["umount", PLACE], check=True)
		self.device = None

	def written(self):
		"""What the file system has in hand with its device, and how much it has written."""
		block = pathlib.Path("/sys/block") / self.device
		return (block / "inflight").read_text(), (block / "stat").read_text().split()[4:7]

	def copy(self):
		"""Holds what the device was given until now, and nothing of what the file system
		keeps in memory; all of one moment."""
		copy = Disk(self.kind, None, None, self.options)
		while True:
			before = self.written()
			subprocess.run(["cp", "--sparse=always", self.image, copy.image], check=True)
			if before == self.written() and not any(map(int, before[0].split())):
				return copy

	def remove(self):
		self.image.unlink()
