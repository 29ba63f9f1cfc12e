"""Goal: the journal's catalogue explains every MESSAGE_ID that the exporter uses, and no
other; each entry has a subject and says who defines it."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parents[2]
text = (root / "systemd/cathgated.catalog").read_text()
used = set(re.findall(r'"([0-9a-f]{32})"', (root / "src/exporter/journal_kinds.c").read_text()))
written = re.findall(r'"([0-9a-f-]*)" }', (root / "src/exporter/journal_kinds.c").read_text())
entries = re.findall(r"^-- ([0-9a-f]+)\nSubject: .+\nDefined-By: Cathgate\nSupport: \S+\n\n\S",
		     text, re.MULTILINE)
heads = re.findall(r"^--.*$", text, re.MULTILINE)
faults = [f"{word} is no 128-bit identifier" for word in written if word not in used]
faults += [f"{word} has no entry" for word in sorted(used - set(entries))]
faults += [f"{word} is used by nobody" for word in sorted(set(entries) - used)]
faults += [f"{word} stands there twice" for word in sorted(set(entries)) if entries.count(word) > 1]
if len(heads) != len(entries):
	faults.append("an entry lacks Subject, Defined-By, Support or text")
if not used:
	faults.append("the exporter uses none at all?")
print("\n".join(faults) or "each identifier is explained")
sys.exit(bool(faults))
