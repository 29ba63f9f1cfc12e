#!/bin/sh
# How fast `cathgate audit verify` is beside SHA-256 itself, in turn on the same machine:
#     sh tests/bench/verify.sh             # 400 MiB, lines of about 1,000 and 550 bytes
#     sh tests/bench/verify.sh --quick     # 16 MiB: proves that it works, no more
root=$(cd "$(dirname "$0")/../.." && pwd)
: "${CATHGATE:=$root/build/release/src/cli/cathgate}"
: "${VERIFY_SPEED:=$root/build/release/tests/bench/verify_speed}"
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
if [ "$1" = --quick ]; then
	"$VERIFY_SPEED" "$CATHGATE" "$work" 16 long 1
	exit
fi
for lines in long short; do
	"$VERIFY_SPEED" "$CATHGATE" "$work" 400 $lines 15 || exit
done
