#!/bin/sh
# How fast `cathgate audit verify` is beside SHA-256 itself, in turn on the same machine:
#     sh tests/bench/verify.sh             # 400 MiB, lines of about 1,000 and 550 bytes
#     sh tests/bench/verify.sh --quick     # 64 MiB; status 1 when it is below 0.4
root=$(cd "$(dirname "$0")/../.." && pwd)
: "${CATHGATE:=$root/build/release/src/cli/cathgate}"
: "${VERIFY_SPEED:=$root/build/release/tests/bench/verify_speed}"
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
if [ "$1" = --quick ]; then
	"$VERIFY_SPEED" "$CATHGATE" "$work" 64 long 5 0.4
	exit
fi
for lines in long short; do
	"$VERIFY_SPEED" "$CATHGATE" "$work" 400 $lines 15 || exit
done
