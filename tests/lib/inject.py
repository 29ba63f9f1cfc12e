"""A system call put into a live process from outside, as an attacker who has taken it over
would make it: root stops the process (ptrace), sets its registers to the call, and lets it run
on until the call has been answered or the process has died. Nothing in the program helps.

	inject(pid, EXECVE, path, 0, 0)		# ("died", 31) or ("answered", -38)

For x86-64 alone; can_inject() says where it works."""
import ctypes
import os
import platform
import re
import signal
import struct

READ, WRITE, OPEN, CLOSE, MMAP, MPROTECT, SOCKET, CONNECT = 0, 1, 2, 3, 9, 10, 41, 42
SENDTO, FORK, EXECVE, KILL, PTRACE, TGKILL, OPENAT = 44, 57, 59, 62, 101, 234, 257
PROCESS_VM_READV, IO_URING_SETUP, PROCESS_MADVISE = 310, 425, 440
MOUNT, PRCTL, UNLINKAT = 165, 157, 263
X32 = 0x40000000

PTRACE_PEEK, PTRACE_CONT, PTRACE_GETREGS, PTRACE_SETREGS = 2, 7, 12, 13
PTRACE_ATTACH, PTRACE_DETACH = 16, 17
WALL = 0x40000000
REGISTERS = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags"
	     " rsp ss fs_base gs_base ds es fs gs").split()
MINUS_ONE = (1 << 64) - 1
INSTRUCTIONS = {"syscall": b"\x0f\x05", "int80": b"\xcd\x80"}
BREAKPOINT = b"\xcc"

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def can_inject():
	import steps
	return platform.machine() == "x86_64" and os.geteuid() == 0 and steps.can_trace()


def ptrace(request, pid, address=0, data=None):
	if libc.ptrace(request, pid, address, data) == -1:
		raise OSError(ctypes.get_errno(), f"ptrace {request} of {pid}")


def registers(pid):
	room = ctypes.create_string_buffer(8 * len(REGISTERS))
	ptrace(PTRACE_GETREGS, pid, 0, ctypes.cast(room, ctypes.c_void_p))
	return dict(zip(REGISTERS, struct.unpack(f"{len(REGISTERS)}Q", room.raw)))


def set_registers(pid, values):
	room = ctypes.create_string_buffer(
		struct.pack(f"{len(REGISTERS)}Q", *(values[name] for name in REGISTERS)))
	ptrace(PTRACE_SETREGS, pid, 0, ctypes.cast(room, ctypes.c_void_p))


def code_of(pid):
	"""Where libc's code begins: there is always room for three bytes."""
	with open(f"/proc/{pid}/maps") as maps:
		for line in maps:
			if found := re.match(r"([0-9a-f]+)-\S+ r-xp .*/libc[.-]", line):
				return int(found[1], 16)
	raise AssertionError("it has no libc")


def is_asleep(pid):
	with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
		return stat.read().rpartition(")")[2].split()[0] == "S"


def wait(pid):
	return os.waitpid(pid, WALL)[1]


class Tracee:
	"""The stopped process; goes on where it was at the end, if it still lives."""

	def __init__(self, pid):
		self.pid = pid
		self.is_dead = False

	def __enter__(self):
		ptrace(PTRACE_ATTACH, self.pid)
		assert os.WIFSTOPPED(wait(self.pid))
		self.kept = registers(self.pid)
		self.memory = os.open(f"/proc/{self.pid}/mem", os.O_RDWR)
		self.at = code_of(self.pid)
		self.code = os.pread(self.memory, 3, self.at)
		return self

	def __exit__(self, *_):
		if not self.is_dead:
			os.pwrite(self.memory, self.code, self.at)
			set_registers(self.pid, self.kept)
			ptrace(PTRACE_DETACH, self.pid)
		os.close(self.memory)

	def place(self, data):
		"""Bytes on its stack, below what the function in hand may use."""
		at = (self.kept["rsp"] - 4096 - len(data)) & ~15
		os.pwrite(self.memory, data, at)
		return at

	def call(self, number, arguments, entry="syscall", spare=False):
		"""What came of it. `spare`: a process that its filter has trapped doesn't hear of
		it, and the answer is ("trapped", signal)."""
		texts = [self.place(a) if isinstance(a, bytes) else a for a in arguments]
		texts += [0] * (6 - len(texts))
		names = ["rdi", "rsi", "rdx", "r10", "r8", "r9"] if entry == "syscall" \
			else ["rbx", "rcx", "rdx", "rsi", "rdi", "rbp"]
		os.pwrite(self.memory, INSTRUCTIONS[entry] + BREAKPOINT, self.at)
		set_registers(self.pid, {
			**self.kept, "rip": self.at, "rax": number, "orig_rax": MINUS_ONE,
			# the handler's frame goes below the texts
			"rsp": (self.kept["rsp"] - 16384) & ~15,
			**{name: value % (1 << 64) for name, value in zip(names, texts)}})
		pass_on, trapped = 0, False
		while True:
			ptrace(PTRACE_CONT, self.pid, 0, pass_on)
			status = wait(self.pid)
			if not os.WIFSTOPPED(status):
				self.is_dead = True
				return ("died", os.WTERMSIG(status)) if os.WIFSIGNALED(status) \
					else ("ended", os.WEXITSTATUS(status))
			pass_on = os.WSTOPSIG(status)
			if spare and pass_on == signal.SIGSYS:
				trapped, pass_on = True, 0
			if pass_on == signal.SIGTRAP and trapped:
				return ("trapped", signal.SIGSYS)
			if pass_on == signal.SIGTRAP:
				result = registers(self.pid)["rax"]
				return ("answered", result - (1 << 64) if result >> 63 else result)


def inject(pid, number, *arguments, entry="syscall"):
	"""What came of the call: ("died", signal), ("ended", status) or ("answered", result).
	Arguments are numbers, or bytes that are put into its memory."""
	with Tracee(pid) as tracee:
		return tracee.call(number, arguments, entry)
