"""Another user of the machine, for tests of what root does where others may write."""
import os

NOBODY = 65534


def start_as_nobody(function):
	"""Calls it by that user's rights in a process of its own, whose PID it returns."""
	child = os.fork()
	if child == 0:
		status = 1
		try:
			os.setgroups([])
			os.setresgid(NOBODY, NOBODY, NOBODY)
			os.setresuid(NOBODY, NOBODY, NOBODY)
			function()
			status = 0
		finally:
			os._exit(status)
	return child


def as_nobody(function):
	"""The same, to its end, which must be good."""
	assert os.waitpid(start_as_nobody(function), 0)[1] == 0, function
