#!/usr/bin/env python3
"""The demo's studies: two angiography runs, a picture and a dose report of nobody.

	studies.py FOLDER	writes run-1.dcm, run-2.dcm, capture.dcm and dose.dcm
"""
import math
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/lib"))
from objects import (DOSE_SR, EXPLICIT, SECONDARY_CAPTURE, XA, Object, Writer, new_uid,
		     write_part10)

SIDE, FRAMES = 512, 15
STUDY = new_uid()

# Each vessel: the one it branches off and how far along it, its direction in degrees, its
# length and its radius where it begins. The first begins at `start`.
LEFT = {"start": (140, 120), "vessels": (
	(None, 0, 25, 100, 9), (0, 1, 75, 300, 7), (0, 1, 25, 230, 7), (1, 0.4, 40, 120, 4),
	(2, 0.5, 85, 170, 5), (1, 0.6, 120, 120, 4))}
RIGHT = {"start": (330, 90), "vessels": (
	(None, 0, 150, 110, 9), (0, 1, 100, 220, 8), (1, 1, 55, 170, 6), (1, 0.45, 160, 110, 4),
	(2, 0.45, 10, 150, 4), (1, 0.2, 20, 130, 3))}


def backdrop():
	"""The chest without contrast: bright in the middle, ribs across it."""
	pixels = bytearray()
	for y in range(SIDE):
		rib = 10 * math.sin(y / 23)
		for x in range(SIDE):
			off = ((x - 256) ** 2 + (y - 256) ** 2) / 1100
			pixels.append(max(20, int(205 - off + rib + (x * 31 + y * 17) % 7)))
	return bytes(pixels)


def courses(tree, beat):
	"""The vessels as the heart bends them: of each, its middle and radius step by step."""
	found = []
	for parent, along, direction, length, radius in tree["vessels"]:
		x, y = tree["start"]
		if parent is not None:
			above = found[parent]
			x, y, _ = above[int(along * (len(above) - 1))]
		course = []
		for step in range(length):
			angle = math.radians(direction + 18 * math.sin(step / 27 + beat))
			x += math.cos(angle)
			y += math.sin(angle)
			course.append((x, y, max(1, round(radius * (1 - 0.6 * step / length)))))
		found.append(course)
	return found


def cine(tree):
	"""Contrast runs into the vessels and washes out while the heart beats."""
	empty = backdrop()
	frames = []
	for number in range(FRAMES):
		wash = max(0, number - 10) / 8
		filled = empty.translate(bytes(int(v * (0.42 + wash)) for v in range(256)))
		frame = bytearray(empty)
		for course in courses(tree, 2 * math.pi * number / FRAMES):
			reach = int(len(course) * min(1, number / 7))
			for x, y, radius in course[:reach]:
				stamp(frame, filled, int(x), int(y), radius)
		frames.append(bytes(frame))
	return frames


def stamp(frame, filled, x, y, radius):
	for row in range(-radius, radius + 1):
		half = math.isqrt(radius * radius - row * row)
		at = (y + row) * SIDE + x - half
		frame[at:at + 2 * half + 1] = filled[at:at + 2 * half + 1]


def code(value, scheme, meaning):
	return [[(0x00080100, "SH", value), (0x00080102, "SH", scheme),
		 (0x00080104, "LO", meaning)]]


def common(sop_class, uid, modality, series, number):
	return [
		(0x00080005, "CS", "ISO_IR 100"),
		(0x00080016, "UI", sop_class),
		(0x00080018, "UI", uid),
		(0x00080020, "DA", "20260131"),
		(0x00080030, "TM", "120000"),
		(0x00080050, "SH", "DEMO-1"),
		(0x00080060, "CS", modality),
		(0x00080070, "LO", "Cathgate demo"),
		(0x00080090, "PN", ""),
		(0x00081030, "LO", "Coronary angiography"),
		(0x00081090, "LO", "None"),
		(0x00100010, "PN", "Demo^Nobody"),
		(0x00100020, "LO", "CATH-0042"),
		(0x00100030, "DA", ""),
		(0x00100040, "CS", "O"),
		(0x00181000, "LO", "0"),
		(0x00181020, "LO", "1"),
		(0x0020000D, "UI", STUDY),
		(0x0020000E, "UI", f"{STUDY}.{series}"),
		(0x00200010, "SH", "1"),
		(0x00200011, "IS", str(series)),
		(0x00200013, "IS", str(number)),
	]


def image(frames, side):
	return [
		(0x00280002, "US", 1),
		(0x00280004, "CS", "MONOCHROME2"),
		(0x00280010, "US", side),
		(0x00280011, "US", side),
		(0x00280100, "US", 8),
		(0x00280101, "US", 8),
		(0x00280102, "US", 7),
		(0x00280103, "US", 0),
		(0x7FE00010, "OB", b"".join(frames)),
	]


def finish(sop_class, uid, elements):
	data = Writer().elements(sorted(elements, key=lambda element: element[0]))
	return Object(sop_class, uid, EXPLICIT, data, STUDY)


def angiography(tree, number, angle):
	uid = new_uid()
	return finish(XA, uid, common(XA, uid, "XA", 1, number) + [
		(0x00080008, "CS", "ORIGINAL\\PRIMARY\\SINGLE PLANE"),
		(0x00180060, "DS", "80"),
		(0x00181063, "DS", "66.67"),		# ms a frame
		(0x00181151, "IS", "600"),
		(0x00181155, "CS", "GR"),
		(0x00181500, "CS", "CARM"),
		(0x00181510, "DS", angle),
		(0x00181511, "DS", "20"),
		(0x00200020, "CS", ""),
		(0x00280008, "IS", str(FRAMES)),
		(0x00280009, "AT", struct.pack("<HH", 0x0018, 0x1063)),
		(0x00281040, "CS", "LIN"),
	] + image(cine(tree), SIDE))


def capture():
	"""One picture, a quarter of the size, as a workstation would save it."""
	uid, frame = new_uid(), cine(LEFT)[9]
	small = b"".join(frame[y * SIDE:(y + 1) * SIDE:2] for y in range(0, SIDE, 2))
	return finish(SECONDARY_CAPTURE, uid, common(SECONDARY_CAPTURE, uid, "OT", 2, 1) + [
		(0x00080064, "CS", "WSD"),
		(0x00200020, "CS", ""),
	] + image([small], SIDE // 2))


def dose():
	uid = new_uid()
	dose_area = [
		(0x0040A010, "CS", "CONTAINS"),
		(0x0040A040, "CS", "NUM"),
		(0x0040A043, "SQ", code("113722", "DCM", "Dose Area Product Total")),
		(0x0040A300, "SQ", [[
			(0x004008EA, "SQ", code("Gy.m2", "UCUM", "Gy.m2")),
			(0x0040A30A, "DS", "0.0031"),
		]]),
	]
	return finish(DOSE_SR, uid, common(DOSE_SR, uid, "SR", 3, 1) + [
		(0x00080023, "DA", "20260131"),
		(0x00080033, "TM", "121500"),
		(0x00081111, "SQ", []),
		(0x0040A040, "CS", "CONTAINER"),
		(0x0040A043, "SQ", code("113701", "DCM", "X-Ray Radiation Dose Report")),
		(0x0040A050, "CS", "SEPARATE"),
		(0x0040A372, "SQ", []),
		(0x0040A491, "CS", "COMPLETE"),
		(0x0040A493, "CS", "UNVERIFIED"),
		(0x0040A730, "SQ", [dose_area]),
	])


def main():
	if len(sys.argv) != 2:
		sys.exit(__doc__)
	folder = pathlib.Path(sys.argv[1])
	folder.mkdir(parents=True, exist_ok=True)
	write_part10(angiography(LEFT, 1, "-30"), folder / "run-1.dcm")
	write_part10(angiography(RIGHT, 2, "40"), folder / "run-2.dcm")
	write_part10(capture(), folder / "capture.dcm")
	write_part10(dose(), folder / "dose.dcm")


if __name__ == "__main__":
	main()
