"""A gateway's clocks, which the test sets (../integration/other_time.c is preloaded)."""
import os
import pathlib
import struct

from harness import cathgated

MODULE = os.environ.get("OTHER_TIME_MODULE") or str(
	pathlib.Path(cathgated()).parents[1] / "tests/integration/other_time.so")


class Clock:
	"""The gateway's: so many seconds ahead of the machine's."""

	def __init__(self, path):
		self.path, self.ahead, self.passed = path, 0, 0
		self.tell()
		self.environment = {"LD_PRELOAD": MODULE, "OTHER_TIME": str(path)}

	def tell(self):
		# In place: the gateway has it mapped.
		with open(self.path, "r+b" if self.path.exists() else "wb") as file:
			file.write(struct.pack("qq", (self.ahead + self.passed) * 10**9,
					       self.passed * 10**9))

	def set(self, ahead):
		self.ahead = ahead
		self.tell()

	def passes(self, seconds):
		self.passed += seconds
		self.tell()
