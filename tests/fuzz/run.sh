#!/bin/sh
# Fuzzes with every target, with libFuzzer (clang) and AFL++ in turn, for so many minutes
# in all. What is found stays in build/fuzz-found: inputs that get further are kept for
# the next run, and each crash is named with the command that shows it again.
#
#	sh tests/fuzz/run.sh [MINUTES [ENGINE [TARGET...]]]	e.g. 60, or 2 libfuzzer request
#	sh tests/fuzz/run.sh --keep TARGET...
#
# The second puts into the repository's corpus the inputs that were found to reach what
# its seeds don't, few and small ones.
#
# Debian's packages: clang libfuzzer-14-dev libclang-rt-14-dev (13: 19 for 14) afl++
# Exit status 77: clang or libFuzzer isn't installed.
set -eu
cd "$(dirname "$0")/../.."
if [ "${1:-}" = --keep ]; then
	shift
	set -- 0 keep "$@"
fi
minutes=${1:-10}
engines=${2:-libfuzzer afl}
[ $# -lt 2 ] || shift
[ $# -lt 1 ] || shift
targets=${*:-$(sed -n 's/^cathgate_fuzz(\([a-z0-9_]*\).*/\1/p' tests/fuzz/CMakeLists.txt)}
found=$PWD/build/fuzz-found
log=$found/build.log
quick=malloc_context_size=5:quarantine_size_mb=8	# up to twice as many inputs a second
runs=0 failed=0
for _ in $engines; do
	for _ in $targets; do runs=$((runs + 1)); done
done
seconds=$((minutes * 60 / runs))
[ "$seconds" -ge 1 ] || seconds=1

# build PRESET: all fuzzers and the seeds as bytes
build() {
	# shellcheck disable=SC2086 # names are words
	names=$(printf 'fuzzer_%s ' $targets)
	# shellcheck disable=SC2086
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
	export ASAN_OPTIONS="$quick"
	for target in $targets; do
		dir=$found/$target
		"build/fuzz/tests/fuzz/fuzzer_$target" -max_total_time="$seconds" -max_len=4096 \
			-timeout=120 -close_fd_mask=3 -print_final_stats=1 \
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
	export ASAN_OPTIONS="$quick:abort_on_error=1:symbolize=0:detect_leaks=0" # as afl-fuzz wants
	for target in $targets; do
		dir=$found/$target
		AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_AUTORESUME=1 \
			AFL_IGNORE_SEED_PROBLEMS=1 \
			afl-fuzz -V "$seconds" -t 120000 -i "$dir/inputs" -o "$dir/afl" \
			-- "build/afl/tests/fuzz/fuzzer_$target" >"$dir/afl.log" 2>&1 || :
		echo "$target: AFL++, $(sed -n 's/^execs_done *: //p' \
			"$dir/afl/default/fuzzer_stats") inputs in $seconds s"
		found_by "$target" afl "$dir"/afl/default/crashes/id* "$dir"/afl/default/hangs/id*
	done
}

# Those of the kept inputs that have a place beside the seeds: the smallest.
put_into() {
	corpus=$1 count=0 size=$(cat "$1"/* | wc -c)
	shift
	for input; do
		count=$((count + 1)) size=$((size + 2 * $(wc -c <"$input")))
		if [ "$count" -gt 30 ] || [ "$size" -gt 40000 ]; then
			break
		fi
		od -An -v -tx1 -w40 "$input" | tr -d ' ' \
			>"$corpus/found-$(sha1sum <"$input" | cut -c1-8).hex"
	done
}

with_keep() {
	for target in $targets; do
		rm -f "tests/fuzz/corpus/$target"/found-*
	done
	build fuzz
	for target in $targets; do
		dir=$found/$target
		rm -rf "$dir/kept"
		mkdir -p "$dir/kept" "$dir/seeds" "$dir/afl/default/queue"
		build/fuzz/tests/fuzz/fuzz_seeds "tests/fuzz/corpus/$target" "$dir/seeds"
		"build/fuzz/tests/fuzz/fuzzer_$target" -set_cover_merge=1 -use_counters=0 \
			"$dir/kept" "$dir/seeds" >"$dir/keep.log" 2>&1
		"build/fuzz/tests/fuzz/fuzzer_$target" -set_cover_merge=1 -use_counters=0 "$dir/kept" \
			"$dir/inputs" "$dir/afl/default/queue" >>"$dir/keep.log" 2>&1
		for seed in "$dir/seeds"/*; do
			rm -f "$dir/kept/$(sha1sum <"$seed" | cut -d' ' -f1)"
		done
		# shellcheck disable=SC2046 # their names are digests
		put_into "tests/fuzz/corpus/$target" $(ls -rS -d "$dir/kept"/*)
	done
	exit
}

printf 'int LLVMFuzzerTestOneInput(const char *b, unsigned long n) { return b && n ? 0 : -1; }' |
	clang -fsanitize=fuzzer,address -x c -o /dev/null - 2>/dev/null || {
	echo "clang or libFuzzer isn't installed"
	exit 77
}
mkdir -p "$found"
for engine in $engines; do
	"with_$engine"
done
echo "$failed found in $minutes minutes"
[ "$failed" -eq 0 ]
