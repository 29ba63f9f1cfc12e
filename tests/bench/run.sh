#!/bin/sh
# Times what crosses the gateway, side by side with what one would use instead, and checks
# the bounds that it promises. docs/PERFORMANCE.md says how and why.
#
#	sh tests/bench/run.sh [OPTION...]	--help lists them
#
# Takes the daemon from $CATHGATED, else builds the release preset.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..

for tool in storescp storescu stunnel openssl python3; do
	command -v "$tool" >/dev/null || {
		echo "$tool is missing; apt-get install dcmtk stunnel4 openssl python3" >&2
		exit 2
	}
done

if [ -z "${CATHGATED:-}" ]; then
	(cd "$root" && cmake --preset release && cmake --build --preset release) >&2
	CATHGATED=$root/build/release/src/cathgated
fi
export CATHGATED
PYTHONPATH=$root/tests/lib PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/bench.py" "$@"
