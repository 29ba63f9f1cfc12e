#!/bin/sh
# Installs what is missing (Debian 12 and 13), builds, and runs every test twice: as
# released, and under the address, leak and undefined-behaviour sanitizers.
#
#	sh tests/run.sh [CTEST-OPTION...]	e.g. -L unit, or -R integration/3
set -eu
cd "$(dirname "$0")/.."

build="cmake ninja-build gcc g++ pkg-config libdcmtk-dev libssl-dev libconfig-dev
	libsystemd-dev libjansson-dev libseccomp-dev libcmocka-dev zlib1g-dev"
peers="clang-format dcmtk stunnel4 orthanc openssl python3 jq curl bash procps util-linux mount iproute2
	strace libxml2-utils mandoc prometheus rsyslog rsyslog-openssl systemd mmdebstrap dpkg-dev
	apt-utils gpg odil ctn gcc-aarch64-linux-gnu g++-aarch64-linux-gnu qemu-user
	swtpm tpm2-tools tpm2-openssl clang spin e2fsprogs xfsprogs btrfs-progs"
# What has another name in the other release, or isn't in it.
bookworm="libtss2-tcti-swtpm0 libfuzzer-14-dev libclang-rt-14-dev frama-c-base"
trixie="libtss2-tcti-swtpm0t64 pkcs11-provider softhsm2 libfuzzer-19-dev libclang-rt-19-dev"

install_missing() {
	missing=
	case $(. /etc/os-release && echo "$VERSION_CODENAME") in
	trixie) release=$trixie ;;
	*) release=$bookworm ;;
	esac
	for package in $build $peers $release; do
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null |
			grep -qx installed || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		echo "tests/run.sh needs these packages; as root:" >&2
		echo "  apt-get install$missing" >&2
		exit 2
	fi
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086 # names are words
	apt-get update -q && apt-get install -q -y --no-install-recommends $missing
}

# run PRESET [CTEST-OPTION...]: builds and tests; adds to $passed, $skipped and $failed
run() {
	preset=$1
	shift
	log=build/$preset-tests.log
	cmake --preset "$preset" >"build/$preset-configure.log" || {
		cat "build/$preset-configure.log"
		exit 1
	}
	cmake --build --preset "$preset"
	status=0
	ctest --test-dir "build/$preset" -j "$jobs" --output-on-failure \
		--output-log "$log" "$@" || status=1
	passed=$((passed + $(grep -cE 'Test +#[0-9]+:.* Passed ' "$log" || :)))
	skipped=$((skipped + $(grep -cE 'Test +#[0-9]+:.*\*\*\*Skipped ' "$log" || :)))
	# The last is ours: what a failed test has shown may hold the summary of others.
	failed=$((failed + $(grep -E '^[0-9]+% tests passed' "$log" | tail -n 1 |
		sed 's/.*, \([0-9]*\) tests failed.*/\1/')))
	[ "$status" -eq 0 ] || failed=$((failed + (failed == 0)))
}

install_missing
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH	# what was installed comes before another of its name
mkdir -p build
jobs=$((3 * $(nproc)))	# most tests wait more than they work
passed=0 skipped=0 failed=0
run release "$@"
run asan "$@"
# Of both, and of those that ran within a test: the first are far above here by now.
grep -hE 'Test +#[0-9]+:.*\*\*\*(Failed|Timeout|Exception)' build/release-tests.log \
	build/asan-tests.log || :
echo "$passed tests passed, $failed failed, $skipped skipped (release and sanitizers)"
[ "$failed" -eq 0 ]
