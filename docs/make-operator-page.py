#!/usr/bin/env python3
"""Makes the tables of reason codes in OPERATOR.md from the one list in the source,
include/cathgate/base/reasons.def.

	make-operator-page.py --write	puts them between the page's markers
	make-operator-page.py		says whether the page is up to date (exit status 1: not)
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/OPERATOR.md"
TEXT = r'(?:"(?:[^"\\]|\\.)*"\s*)+'
ROW = re.compile(rf'^REASON\((\w+), "([\w-]+)", (\w+),\s*({TEXT}),\s*({TEXT})\)$', re.M)
MARKED = re.compile(r"(<!-- reasons: (\w+) -->\n).*?(<!-- end -->\n)", re.S)


def joined(literals):
	pieces = re.findall(r'"((?:[^"\\]|\\.)*)"', literals)
	return re.sub(r"\\(.)", r"\1", "".join(pieces))


def rows():
	source = (ROOT / "include/cathgate/base/reasons.def").read_text()
	found = [(word, place, joined(cause), joined(cure))
		 for _, word, place, cause, cure in ROW.findall(source)]
	if len(found) != len(re.findall(r"^REASON\(", source, re.M)):
		sys.exit("reasons.def: an entry isn't REASON(NAME, word, place, cause, cure)")
	return found


def table(place, reasons):
	lines = ["| reason | cause | cure |", "|---|---|---|"]
	lines += [f"| `{word}` | {cause} | {cure} |" for word, where, cause, cure in reasons
		  if where == place]
	return "\n".join(lines) + "\n"


def made(page):
	reasons = rows()
	marked = {place for _, place, _ in MARKED.findall(page)}
	left = {place for _, place, _, _ in reasons} ^ marked
	if left:
		sys.exit(f"{PAGE.name}: not the places of reasons.def: {', '.join(sorted(left))}")
	return MARKED.sub(lambda m: m[1] + table(m[2], reasons) + m[3], page)


def main():
	page = PAGE.read_text()
	wanted = made(page)
	if sys.argv[1:] == ["--write"]:
		PAGE.write_text(wanted)
	elif page != wanted:
		sys.exit(f"{PAGE.name} is older than reasons.def: run docs/make-operator-page.py --write")


if __name__ == "__main__":
	main()
