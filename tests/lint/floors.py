"""Goal: a file includes only what lies on a lower floor, or its own part's (the floors are
those of docs/ARCHITECTURE.md), and no system header reaches a part that should not know it."""
import pathlib
import re
import sys

FLOORS = {
	"base": 1, "net": 2, "config": 2,
	"tls": 3, "pki": 3, "dicom": 3, "policy": 3.5, "audit": 3,
	"association": 4, "exporter": 4, "observer": 4.5, "server": 5, "cli": 5.5, "main": 6,
}
HEADERS = {
	"base": "reason log ae_title certificate pem clock digest descriptors durable lock_file "
		"address secrets histogram utf8 visible",
	"net": "net transport", "config": "config", "tls": "tls", "pki": "pki", "policy": "policy",
	"dicom": "upper_layer command data_set_head part10 sop_class",
	"audit": "audit chain checkpoint log_clock log_reader log_verify merkle summed",
	"association": "association", "exporter": "exporter audit_used", "observer": "observer", "server": "server",
}
ONLY_IN = {"openssl/": {"base", "tls", "pki", "audit"}, "dcmtk/": {"dicom"},
	   "libconfig.h": {"config"}, "systemd/": {"server", "exporter"}, "jansson.h": {"audit", "exporter", "observer", "cli"}}

root = pathlib.Path(__file__).resolve().parents[2]
part_of = {f"{name}.h": part for part, names in HEADERS.items() for name in names.split()}
part_of["reasons.def"] = "base"	# the list that reason.h is made of
faults = []


def check(path, part):
	for number, line in enumerate(path.read_text().splitlines(), 1):
		include = re.match(r'#include [<"]([^>"]+)[>"]', line)
		if not include:
			continue
		name = include[1]
		if name.startswith("cathgate/"):
			other = part_of.get(name.removeprefix("cathgate/"))
			if not other:
				faults.append(f"{path}:{number}: {name} is no part's header")
			elif other != part and FLOORS[other] >= FLOORS[part]:
				faults.append(f"{path}:{number}: {part} is no floor above {other}")
		for prefix, parts in ONLY_IN.items():
			if name.startswith(prefix) and part not in parts:
				faults.append(f"{path}:{number}: {name} belongs to {parts} only")


for path in sorted((root / "src").rglob("*.[ch]*")):
	check(path, path.parent.name if path.parent.name != "src" else "main")
for path in sorted((root / "include/cathgate").glob("*.h")):
	if path.name not in part_of:
		faults.append(f"{path}: name its part in {__file__}")
	else:
		check(path, part_of[path.name])
print("\n".join(faults) or "every file stands on its floor")
sys.exit(bool(faults))
