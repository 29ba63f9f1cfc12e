"""What the table of the sandboxes (src/sandbox/calls.def) says of each call and role, as somebody
reads it who knows nothing of the filters that are made of it. For x86-64."""
import collections
import pathlib
import re

from harness import ROOT

NUMBERS = pathlib.Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
LAST_NUMBER = 511
ENDS = "nfsservctl"	# the one call that every filter answers with the process's end


def numbers():
	"""The names of the calls that this machine's headers know, by number."""
	return {int(number): name for name, number in
		re.findall(r"#define __NR_(\w+) (\d+)", NUMBERS.read_text())}


def groups():
	"""The roles of each word that a row may begin with."""
	text = (ROOT / "src/sandbox/table.c").read_text()
	found = {}
	for name, value in re.findall(r"^\t([A-Z_]+) = ([^,\n]+),?$", text, re.M):
		if own := re.fullmatch(r"1 << SANDBOX_([A-Z_]+)", value):
			found[name] = {own[1].lower().replace("_", " ")}
		else:
			found[name] = set().union(*(found[part] for part in value.split(" | ")))
	return found


class Table:
	def __init__(self):
		self.groups = groups()
		self.granted = collections.defaultdict(set)	# whatever the arguments are
		self.judged = collections.defaultdict(set)	# by their arguments
		self.absent = collections.defaultdict(set)
		text = (ROOT / "src/sandbox/calls.def").read_text().split("#ifdef SANDBOX_WIDENED")[0]
		for who, name, how in re.findall(r"^MAY\(([A-Z_ |]+), (\w+), (.+)\)$", text, re.M):
			for role in self.roles(who):
				(self.granted if how == "FREELY" else self.judged)[role].add(name)
		for who, name in re.findall(r"^ABSENT\(([A-Z_ |]+), (\w+)\)$", text, re.M):
			for role in self.roles(who):
				self.absent[role].add(name)
		self.deadly = set(re.findall(r"^DIES\((\w+)\)$", text, re.M))

	def roles(self, who):
		return set().union(*(self.groups[part] for part in who.split(" | ")))

	def is_listed(self, role):
		"""Whether what isn't granted is forbidden; of the others only what is deadly is."""
		return role in self.groups["LISTED"]
