#!/bin/sh
# Fuzzes with every target, with libFuzzer (clang) and AFL++ in turn, for so many minutes
# in all. What is found stays in build/fuzz-found: inputs that get further are kept for
# the next run, and each crash is named with the command that shows it again.
#
#	sh tests/fuzz/run.sh [MINUTES [ENGINE [TARGET...]]]	e.g. 60, or 2 libfuzzer request
#
# Debian's packages: clang libfuzzer-14-dev (13: libfuzzer-19-dev) afl++
set -eu
cd "$(dirname "$0")/../.."
minutes=${1:-10}
engines=${2:-libfuzzer afl}
[ $# -lt 2 ] || shift
[ $# -lt 1 ] || shift
targets=${*:-$(sed -n 's/^cathgate_fuzz(\([a-z0-9_]*\).*/\1/p' tests/fuzz/CMakeLists.txt)}
found=$PWD/build/fuzz-found
log=$found/build.log
runs=0 failed=0
for _ in $engines; do
	for _ in $targets; do runs=$((runs + 1)); done
done
seconds=$((minutes * 60 / runs))
[ "$seconds" -ge 1 ] || seconds=1

# build PRESET: all fuzzers and the seeds as bytes
build() {
	names=$(printf 'fuzzer_%s ' $targets)
	# shellcheck disable=SC2086 # names are words
	{ cmake --preset "$1" && cmake --build "build/$1" --target fuzz_seeds $names; } >"$log" 2>&1 || {
		tail -n 40 "$log"
		exit 1
	}
	for target in $targets; do
		mkdir -p "$found/$target/inputs"
		"build/$1/tests/fuzz/fuzz_seeds" "tests/fuzz/corpus/$target" "$found/$target/inputs"
	done
}

# found_by TARGET PRESET FILE...: those that exist are crashes
found_by() {
	target=$1 preset=$2
	shift 2
	for crash; do
		[ -f "$crash" ] || continue
		echo "$target: found; show it again with build/$preset/tests/fuzz/fuzzer_$target $crash"
		failed=$((failed + 1))
	done
}

with_libfuzzer() {
	build fuzz
	for target in $targets; do
		dir=$found/$target
		"build/fuzz/tests/fuzz/fuzzer_$target" -max_total_time="$seconds" -max_len=4096 \
			-timeout=30 -close_fd_mask=3 -print_final_stats=1 \
			-artifact_prefix="$dir/libfuzzer-" "$dir/inputs" >"$dir/libfuzzer.log" 2>&1 || :
		echo "$target: libFuzzer, $(sed -n 's/^stat::number_of_executed_units: *//p' \
			"$dir/libfuzzer.log") inputs in $seconds s, $(sed -n \
			's/.*cov: \([0-9]*\) .*/\1/p' "$dir/libfuzzer.log" | tail -n 1) branches"
		found_by "$target" fuzz "$dir"/libfuzzer-crash-* "$dir"/libfuzzer-leak-* \
			"$dir"/libfuzzer-timeout-* "$dir"/libfuzzer-oom-*
	done
}

with_afl() {
	build afl
	for target in $targets; do
		dir=$found/$target
		AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_AUTORESUME=1 \
			AFL_IGNORE_SEED_PROBLEMS=1 \
			afl-fuzz -V "$seconds" -t 30000 -i "$dir/inputs" -o "$dir/afl" \
			-- "build/afl/tests/fuzz/fuzzer_$target" >"$dir/afl.log" 2>&1 || :
		echo "$target: AFL++, $(sed -n 's/^execs_done *: //p' \
			"$dir/afl/default/fuzzer_stats") inputs in $seconds s"
		found_by "$target" afl "$dir"/afl/default/crashes/id* "$dir"/afl/default/hangs/id*
	done
}

mkdir -p "$found"
for engine in $engines; do
	"with_$engine"
done
echo "$failed found in $minutes minutes"
[ "$failed" -eq 0 ]
