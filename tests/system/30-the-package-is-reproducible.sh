#!/bin/sh
# Goal: two builds in two folders give the same package, bit for bit, with a bill of materials
# that names the libraries.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
for tool in dpkg-deb dpkg-shlibdeps; do
	command -v "$tool" >/dev/null || { echo "skipped: no $tool on this machine"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# package FOLDER BUILD: builds from a copy of the sources there
package() {
	mkdir -p "$1"
	(cd "$root" && tar -c --exclude=./build --exclude=./.git .) | tar -x -C "$1"
	{
		cmake -S "$1" -B "$2" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_TESTING=OFF
		cmake --build "$2"
		cd "$2"
		cpack -G DEB
		cd "$work"
	} >"$work/log" 2>&1 || { tail -n 30 "$work/log"; exit 1; }
}

package "$work/one" "$work/one/out"
package "$work/another/place" "$work/another build"
one=$(echo "$work"/one/out/*.deb)
if ! cmp "$one" "$work/another build/$(basename "$one")"; then
	dpkg-deb -R "$one" "$work/a"
	dpkg-deb -R "$work/another build/$(basename "$one")" "$work/b"
	diff -r "$work/a" "$work/b"
	exit 1
fi
dpkg-deb --fsys-tarfile "$one" | tar -xO ./usr/share/doc/cathgate/cathgate.spdx.json |
	python3 -c '
import json, sys
bill = json.load(sys.stdin)
assert bill["spdxVersion"] == "SPDX-2.3", bill
names = {package["name"]: package["versionInfo"] for package in bill["packages"]}
assert all(names.values()) and "cathgate" in names, names
assert any(name.startswith("libssl3") for name in names), names
assert any(name.startswith("libdcmtk") for name in names), names
'
echo "the same bits twice: $(sha256sum <"$one")"
