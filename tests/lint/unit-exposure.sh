#!/bin/sh
# Goal: the unit, as it is installed, keeps an exposure of 1.1 or less by systemd's own
# measure. tests/system/ proves that the program lives with each directive.
#	unit-exposure.sh INSTALL-SCRIPT
set -eu
if ! command -v systemd-analyze >/dev/null; then
	echo "skipped: no systemd-analyze on this machine"
	exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
DESTDIR=$work cmake -DCMAKE_INSTALL_PREFIX=/usr -P "$1" >/dev/null
unit=$work/usr/lib/systemd/system/cathgated.service
if ! systemd-analyze security --offline=yes --no-pager --threshold=11 "$unit" \
		>"$work/said" 2>&1; then
	cat "$work/said"
	exit 1
fi
if grep -E "^$unit:[0-9]+:" "$work/said"; then
	echo "systemd understands these lines otherwise"
	exit 1
fi
echo "exposure: $(sed -n 's/.*exposure level for [^:]*: //p' "$work/said")"
