#!/usr/bin/env python3
"""What the demo proves, read from the audit log and the files of both ends.

	report.py proof AUDIT-LOG SENT-FOLDER PACS-FOLDER	each file's three hashes
	report.py refused AUDIT-LOG REASON...			each reason is there
	report.py table AUDIT-LOG				the log as a table

Exit status 1 when it doesn't hold.
"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/lib"))
from objects import DOSE_SR, SECONDARY_CAPTURE, XA, read_part10

SHORT = {XA: "XA", DOSE_SR: "Dose SR", SECONDARY_CAPTURE: "SC",
	 "1.2.840.10008.1.2.1": "explicit LE", "1.2.840.10008.1.2.4.70": "JPEG lossless"}


def read_log(path):
	"""Its lines, whose numbers must have no gap."""
	lines = [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]
	if [line["seq"] for line in lines] != list(range(len(lines))):
		sys.exit("the audit log has a gap")
	return lines


def print_table(head, rows):
	widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
	for row in [head, ["-" * width for width in widths], *rows]:
		print("  " + "  ".join(text.ljust(w) for text, w in zip(row, widths)).rstrip())


def files_of(folder):
	"""SOP instance to (name, object) of the DICOM files in a folder."""
	found = {}
	for path in sorted(pathlib.Path(folder).rglob("*.dcm")):
		obj = read_part10(path)
		found[obj.sop_instance] = path.name, obj
	return found


def proof(log, sent_folder, pacs_folder):
	sent, kept = files_of(sent_folder), files_of(pacs_folder)
	forwarded = {line["sop_instance"]: line for line in read_log(log)
		     if line["event"] == "instance" and line["outcome"] == "forwarded"}
	rows, good = [], bool(sent) and set(sent) == set(kept) == set(forwarded)
	for uid, (name, obj) in sent.items():
		line, there = forwarded.get(uid, {}), kept.get(uid)
		hashes = [obj.sha256, line.get("sha256", ""), there[1].sha256 if there else ""]
		same = len(set(hashes)) == 1
		good = good and same
		rows.append([name, SHORT.get(obj.transfer_syntax, "other"),
			     *(text[:16] or "missing" for text in hashes),
			     "the same" if same else "NOT THE SAME"])
	print_table(["sent", "encoding", "SHA-256 of what was sent", "in the audit log",
		     "of the PACS's file", ""], rows)
	return good


def refused(log, *reasons):
	seen = [line["reason"] for line in read_log(log) if line.get("outcome") == "refused"]
	return sorted(seen) == sorted(reasons)


def row_of(line):
	outcome = line.get("outcome", "")
	if "reason" in line:
		outcome += f" ({line['reason']})"
	return [str(line["seq"]), line["time"][11:19], line["event"], outcome,
		line.get("calling_ae", ""),
		SHORT.get(line.get("sop_class"), ""), str(line.get("bytes", "")),
		line.get("status", ""), str(line.get("total_ms", "")),
		line.get("patient", "")[:8], line.get("sha256", "")[:8]]


def table(log):
	print_table(["seq", "time", "event", "outcome", "calling AE", "class", "bytes",
		     "status", "ms", "patient", "sha256"],
		    [row_of(line) for line in read_log(log)])
	return True


def main():
	what, *rest = sys.argv[1:]
	good = {"proof": proof, "refused": refused, "table": table}[what](*rest)
	return 0 if good else 1


if __name__ == "__main__":
	sys.exit(main())
