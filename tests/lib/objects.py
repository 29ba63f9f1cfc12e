#!/usr/bin/env python3
"""DICOM objects made from nothing, Part 10 files, and what a file's data set hashes to.

	objects.py make FOLDER KIND... [--count N] [--bytes N]	writes KIND-0001.dcm, ...
	objects.py hash FILE...		prints: SOP-INSTANCE SHA-256 TRANSFER-SYNTAX BYTES
	objects.py kinds		lists the kinds

The data set is what crosses a network: it is hashed without the Part 10 header, and never
parsed. No toolkit is used, so that the tests don't share a mistake with one.
"""
import argparse
import hashlib
import pathlib
import random
import struct
import sys
import uuid
import zlib
from dataclasses import dataclass

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
JPEG = "1.2.840.10008.1.2.4.50"
RLE = "1.2.840.10008.1.2.5"
PRIVATE_SYNTAX = "2.25.199113345620170912341234123412341234"

XA = "1.2.840.10008.5.1.4.1.1.12.1"
DOSE_SR = "1.2.840.10008.5.1.4.1.1.88.67"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
PRIVATE_CLASS = "2.25.199113345620170912341234123499999999"
VERIFICATION = "1.2.840.10008.1.1"

LONG_VRS = ("OB", "OW", "SQ", "UN", "UT", "OF", "UC")
UNDEFINED = 0xFFFFFFFF


@dataclass
class Object:
	sop_class: str
	sop_instance: str
	transfer_syntax: str
	data: bytes
	study: str = ""

	@property
	def sha256(self):
		return hashlib.sha256(self.data).hexdigest()


def new_uid():
	return f"2.25.{uuid.uuid4().int}"


class Writer:
	"""Encodes (tag, VR, value) in one of the uncompressed transfer syntaxes (PS3.5 7)."""

	def __init__(self, explicit=True, big=False, undefined=False):
		self.explicit = explicit
		self.order = ">" if big else "<"
		self.undefined = undefined

	def number(self, code, *values):
		return struct.pack(f"{self.order}{len(values)}{code}", *values)

	def head(self, tag, vr, size):
		tag = self.number("H", tag >> 16, tag & 0xFFFF)
		if not self.explicit:
			return tag + self.number("I", size)
		if vr in LONG_VRS:
			return tag + vr.encode() + b"\0\0" + self.number("I", size)
		return tag + vr.encode() + self.number("H", size)

	def mark(self, tag, size):
		return self.number("H", tag >> 16, tag & 0xFFFF) + self.number("I", size)

	def value(self, vr, value):
		if vr == "SQ":
			return self.items(value)
		if vr == "US":
			return self.number("H", value)
		if isinstance(value, str):
			value = value.encode("ascii")
		if len(value) % 2:
			value += b"\0" if vr in ("UI", "OB", "UN") else b" "
		return value

	def items(self, items):
		out = b""
		for item in items:
			body = self.elements(item)
			if self.undefined:
				out += self.mark(0xFFFEE000, UNDEFINED) + body
				out += self.mark(0xFFFEE00D, 0)
			else:
				out += self.mark(0xFFFEE000, len(body)) + body
		return out + (self.mark(0xFFFEE0DD, 0) if self.undefined else b"")

	def elements(self, elements):
		out = []
		for tag, vr, value in elements:
			if vr == "raw":		# bytes as they shall stand
				out.append(value)
				continue
			body = self.value(vr, value)
			open_end = vr == "SQ" and self.undefined
			out.append(self.head(tag, vr, UNDEFINED if open_end else len(body)))
			out.append(body)
		return b"".join(out)

	def encapsulated(self, frames):
		"""Pixel Data as an empty offset table and one fragment a frame (PS3.5 A.4)."""
		out = self.head(0x7FE00010, "OB", UNDEFINED) + self.mark(0xFFFEE000, 0)
		for frame in frames:
			frame += b"\0" * (len(frame) % 2)
			out += self.mark(0xFFFEE000, len(frame)) + frame
		return out + self.mark(0xFFFEE0DD, 0)


def jpeg_frame(side):
	"""A valid baseline JPEG, all mid-grey: Huffman tables of one code each."""
	def segment(marker, body):
		return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
	one_code = bytes([1] + [0] * 15) + b"\0"
	blocks = (side // 8) ** 2
	return (b"\xff\xd8" + segment(0xDB, b"\0" + bytes([16] * 64))
		+ segment(0xC0, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0")
		+ segment(0xC4, b"\x00" + one_code) + segment(0xC4, b"\x10" + one_code)
		+ segment(0xDA, b"\1\1\0\0\x3f\0") + bytes(blocks * 2 // 8) + b"\xff\xd9")


def rle_frame(side):
	"""One segment of PackBits runs of 128 equal bytes (PS3.5 annex G)."""
	runs = b"".join(bytes([0x81, n % 256]) for n in range(side * side // 128))
	return struct.pack("<16I", 1, 64, *[0] * 14) + runs


def header(sop_class, sop_instance, study, patient="CATH-0042"):
	return [
		(0x00080005, "CS", "ISO_IR 100"),
		(0x00080016, "UI", sop_class),
		(0x00080018, "UI", sop_instance),
		(0x00080020, "DA", "20260131"),
		(0x00080030, "TM", "120000.5"),
		(0x00080050, "SH", "ACC1"),
		(0x00080060, "CS", "XA"),
		(0x00080070, "LO", "Cathgate tests"),
		(0x00080090, "PN", "Referring^Doctor"),
		(0x00081140, "SQ", [[(0x00081150, "UI", XA), (0x00081155, "UI", new_uid())]]),
		(0x00100010, "PN", "Secret^Name"),
		(0x00100020, "LO", patient),
		(0x00100030, "DA", "19700101"),
		(0x00100040, "CS", "O"),
		(0x0020000D, "UI", study),
		(0x0020000E, "UI", study + ".1"),
		(0x00200010, "SH", "1"),
		(0x00200011, "IS", "1"),
		(0x00200013, "IS", "1"),
	]


def image(frames, side, bits=8):
	return [
		(0x00280002, "US", 1),
		(0x00280004, "CS", "MONOCHROME2"),
		(0x00280008, "IS", str(frames)),
		(0x00280010, "US", side),
		(0x00280011, "US", side),
		(0x00280100, "US", bits),
		(0x00280101, "US", bits),
		(0x00280102, "US", bits - 1),
		(0x00280103, "US", 0),
	]


PRIVATE = [(0x00290010, "LO", "CATHGATE TEST"), (0x00291001, "OB", b"\1\2\3\4"),
	   (0x00291002, "UN", b"odd to a parser\xff\xfe")]
EMPTY = [(0x00081111, "SQ", []), (0x00081115, "SQ", [[]])]
ODD = [(0, "raw", b"\x29\x00\x20\x10OB\0\0\x03\0\0\0abc"
	b"\x29\x00\x21\x10OB\0\0\x01\0\0\0d")]	# odd lengths; even together


def make(kind, size=16384, syntax=None, study=None):
	"""An object of that kind whose pixel data has about `size` bytes."""
	uid, study = new_uid(), study or new_uid()
	sop_class = {"private-class": PRIVATE_CLASS, "dose-sr": DOSE_SR,
		     "secondary-capture": SECONDARY_CAPTURE}.get(kind, XA)
	syntax = syntax or {"implicit": IMPLICIT, "big-endian": BIG_ENDIAN, "jpeg": JPEG,
			    "deflated": DEFLATED, "rle": RLE,
			    "private-syntax": PRIVATE_SYNTAX}.get(kind, EXPLICIT)
	writer = Writer(explicit=syntax != IMPLICIT, big=syntax == BIG_ENDIAN,
			undefined=kind == "undefined-lengths")
	elements = header(sop_class, uid, study)
	if kind == "odd-charset":
		elements[0] = (0x00080005, "CS", "\\ISO 2022 IR 87")
		elements[10] = (0x00100010, "PN", b"Yamada=\x1b$B;3ED\x1b(B\xe9\xff ")
	if kind == "empty-sequences":
		elements[9:9] = EMPTY
	side = 64
	frames = max(1, size // (side * side))
	elements += image(frames, side) + PRIVATE
	if kind == "odd-length":
		elements += ODD
	data = writer.elements(elements)
	if syntax == JPEG:
		data += writer.encapsulated([jpeg_frame(side)] * frames)
	elif syntax == RLE:
		data += writer.encapsulated([rle_frame(side)] * frames)
	else:
		pixels = random.Random(uid).randbytes(max(size & ~1, frames * side * side))
		data += writer.elements([(0x7FE00010, "OB" if writer.explicit else "OW", pixels)])
	if syntax == DEFLATED:
		deflate = zlib.compressobj(wbits=-15)
		data = deflate.compress(data) + deflate.flush()
		data += b"\0" * (len(data) % 2)
	return Object(sop_class, uid, syntax, data, study)


KINDS = ("explicit", "implicit", "big-endian", "deflated", "jpeg", "rle", "dose-sr",
	 "undefined-lengths", "empty-sequences", "odd-charset", "secondary-capture",
	 "private-class", "private-syntax", "odd-length")


def write_part10(obj, path):
	writer = Writer()
	meta = writer.elements([
		(0x00020001, "OB", b"\0\1"),
		(0x00020002, "UI", obj.sop_class),
		(0x00020003, "UI", obj.sop_instance),
		(0x00020010, "UI", obj.transfer_syntax),
		(0x00020012, "UI", "2.25.5577"),
	])
	length = writer.head(0x00020000, "UL", 4) + struct.pack("<I", len(meta))
	pathlib.Path(path).write_bytes(b"\0" * 128 + b"DICM" + length + meta + obj.data)


def read_part10(path):
	"""The object in a Part 10 file, by its meta header alone."""
	content = pathlib.Path(path).read_bytes()
	if content[128:132] != b"DICM" or content[132:136] != b"\2\0\0\0":
		raise ValueError(f"{path}: no Part 10 file")
	end = 144 + struct.unpack_from("<I", content, 140)[0]
	at, found = 144, {}
	while at < end:
		group, element, vr = struct.unpack_from("<HH2s", content, at)
		long = vr.decode() in LONG_VRS
		size, = struct.unpack_from("<I" if long else "<H", content, at + (8 if long else 6))
		at += 12 if long else 8
		found[element] = content[at:at + size]
		at += size
	text = {key: value.rstrip(b"\0 ").decode("ascii", "replace")
		for key, value in found.items()}
	return Object(text[2], text[3], text[0x10], content[end:])


def main():
	parser = argparse.ArgumentParser(usage=__doc__)
	commands = parser.add_subparsers(dest="command", required=True)
	command = commands.add_parser("make")
	command.add_argument("folder", type=pathlib.Path)
	command.add_argument("kinds", nargs="+", choices=KINDS)
	command.add_argument("--count", type=int, default=1)
	command.add_argument("--bytes", type=int, default=16384)
	commands.add_parser("hash").add_argument("files", nargs="*")
	commands.add_parser("kinds")
	args = parser.parse_args()
	if args.command == "kinds":
		print("\n".join(KINDS))
	elif args.command == "hash":
		for path in args.files:
			obj = read_part10(path)
			print(obj.sop_instance, obj.sha256, obj.transfer_syntax, len(obj.data))
	else:
		args.folder.mkdir(parents=True, exist_ok=True)
		for kind in args.kinds:
			for number in range(1, args.count + 1):
				write_part10(make(kind, args.bytes),
					     args.folder / f"{kind}-{number:04}.dcm")
	return 0


if __name__ == "__main__":
	sys.exit(main())
