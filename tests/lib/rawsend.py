#!/usr/bin/env python3
"""Stores Part 10 files over TLS without touching a byte of their data sets.

	rawsend.py PORT PKI CERTIFICATE CALLING CALLED FILE...
"""
import pathlib
import sys

import dicom
import objects


def main():
	port, pki, certificate, calling, called, *files = sys.argv[1:]
	found = [objects.read_part10(path) for path in files]
	wanted = sorted({(obj.sop_class, obj.transfer_syntax) for obj in found})
	contexts = {kind: 2 * number + 1 for number, kind in enumerate(wanted)}
	context = dicom.client_context(pathlib.Path(pki), certificate)
	association = dicom.Association(dicom.connect(int(port), context))
	answer = association.request(calling=calling, called=called, contexts=[
		(number, *kind[:1], [kind[1]]) for kind, number in contexts.items()])
	if isinstance(answer, dicom.Rejection):
		sys.exit(f"rejected: {answer}")
	for obj, path in zip(found, files):
		number = contexts[obj.sop_class, obj.transfer_syntax]
		if answer.answers[number][0] != 0:
			sys.exit(f"{path}: its context was refused")
		status = association.store(obj, number).status
		if status != 0:
			sys.exit(f"{path}: status {status:04X}")
	association.release()


if __name__ == "__main__":
	main()
