#!/bin/sh
# Goal: a build of the same sources in another folder gives the same package, bit for bit, with
# a bill of materials that names the libraries.
#	30-the-package-is-reproducible.sh BUILD TYPE	this build, and its CMAKE_BUILD_TYPE
set -eu
build=$1 type=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
for tool in dpkg-deb dpkg-shlibdeps; do
	command -v "$tool" >/dev/null || { echo "skipped: no $tool on this machine"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# quietly COMMAND...: it must succeed; only else it is shown
quietly() {
	"$@" >"$work/log" 2>&1 || { tail -n 30 "$work/log"; exit 1; }
}

# package BUILD FOLDER
package() {
	mkdir "$2"
	quietly cpack -G DEB --config "$1/CPackConfig.cmake" -B "$2"
}

mkdir -p "$work/another/place"
(cd "$root" && tar -c --exclude=./build --exclude=./.git .) | tar -x -C "$work/another/place"
quietly cmake -S "$work/another/place" -B "$work/another build" -G Ninja \
	-DCMAKE_BUILD_TYPE="$type" -DBUILD_TESTING=OFF
quietly cmake --build "$work/another build"
package "$build" "$work/one"
package "$work/another build" "$work/two"
one=$(echo "$work"/one/*.deb)
if ! cmp "$one" "$work"/two/*.deb; then
	dpkg-deb -R "$one" "$work/a"
	dpkg-deb -R "$work"/two/*.deb "$work/b"
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
