"""Goal: a file includes only what lies on a lower floor, or its own room's (the floors are
those of docs/ARCHITECTURE.md), and no system header reaches a part that should not know it."""
import pathlib
import re
import sys

# A part is a folder of src/ and of include/cathgate/; a room is a folder of a part.
FLOORS = {
	"base": 1, "sandbox": 1.5, "net": 2, "config": 2, "process": 2, "signer": 2,
	"tls": 3, "pki": 3, "dicom": 3, "audit": 3, "spool": 3.2, "policy": 3.5,
	"outbound": 3.7,
	"association": 4, "courier": 4.2, "exporter": 4, "keeper": 4, "observer": 4.5, "supervisor": 5, "cli": 5.5, "main": 6,
}
# Rooms of one part, from the lowest; those on one floor don't know each other. Files that
# stand in no room are above them all.
ROOMS = {
	"audit": [{"format"}, {"client", "read"}, {"write"}, {"auditor"}],
	"spool": [{"format"}, {"client"}, {"spooler"}],
	"supervisor": [{"settings"}, {"helpers"}, {"gate", "expiry"}],
	"cli": [{"kit"}, {"log", "diagnose", "site", "spool", "status"}, {"backup"}],
}
ONLY_IN = {"openssl/": {"base", "signer", "tls", "pki", "audit", "spool", "keeper", "courier"}, "dcmtk/": {"dicom"},
	   "libconfig.h": {"config"}, "seccomp.h": {"sandbox"}, "systemd/": {"supervisor", "exporter"},
	   "jansson.h": {"audit", "exporter", "observer", "cli"}}

root = pathlib.Path(__file__).resolve().parents[2]
faults = []


def room_floor(part, room):
	floors = [floor for floor, rooms in enumerate(ROOMS[part]) if room in rooms]
	return floors[0] if floors else len(ROOMS[part])


def check(path, part, room):
	for number, line in enumerate(path.read_text().splitlines(), 1):
		include = re.match(r'#include ([<"])([^>"]+)[>"]', line)
		if not include:
			continue
		name = include[2]
		where = f"{path.relative_to(root)}:{number}"
		steps = name.split("/")
		if steps[0] == "cathgate":
			other = steps[1]
			if other not in FLOORS or len(steps) != 3:
				faults.append(f"{where}: {name} is no part's header")
			elif other != part and FLOORS[other] >= FLOORS[part]:
				faults.append(f"{where}: {part} is no floor above {other}")
		elif include[1] == '"' and len(steps) > 1:
			other = steps[1] if len(steps) > 2 else ""
			if part not in ("main", steps[0]):
				faults.append(f"{where}: {name} is {steps[0]}'s own")
			elif part in ROOMS and other != room \
			     and room_floor(part, other) >= room_floor(part, room):
				faults.append(f"{where}: {part}/{room} is no floor above {name}")
		for prefix, parts in ONLY_IN.items():
			if name.startswith(prefix) and part not in parts:
				faults.append(f"{where}: {name} belongs to {parts} only")


for path in sorted((root / "src").rglob("*.[ch]*")):
	steps = path.relative_to(root / "src").parts
	check(path, steps[0] if len(steps) > 1 else "main", steps[1] if len(steps) > 2 else "")
for path in sorted((root / "include/cathgate").rglob("*.h")):
	check(path, path.parent.name, "")
print("\n".join(faults) or "every file stands on its floor")
sys.exit(bool(faults))
