"""The commands that a page of the documentation gives: its indented blocks, in order, so that
page and test can't part."""
import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclasses.dataclass
class Block:
	section: str	# the heading of two # that it stands under
	text: str

	def commands(self):
		"""One a line, unless it goes on after a backslash."""
		return [part for part in re.split(r"(?<!\\)\n", self.text) if part.strip()]


def blocks(page, section=None):
	"""Those under a heading, or all of the page's."""
	under, lines, found = "", [], []
	for line in [*(ROOT / page).read_text().split("\n"), "## "]:
		if line.startswith("    ") or (lines and not line.strip()):
			lines.append(line[4:])
			continue
		if lines:
			found.append(Block(under, "\n".join(lines).strip("\n") + "\n"))
			lines = []
		if line.startswith("## "):
			under = line[3:]
	return [block for block in found if section in (None, block.section)]
