#!/bin/sh
# Shows with Frama-C's Eva (Debian 12's frama-c-base) that parsers read and write nothing
# outside their memory, read nothing uninitialised, and let no number overflow, unsigned
# ones included, for every input up to a length: see the harnesses eva_<name>.c.
#
#	sh tests/fuzz/eva/run.sh [HARNESS...]	e.g. command
#	LENGTH=32 sh tests/fuzz/eva/run.sh command	takes longer, and isn't the stated one
#	BODY=16 sh tests/fuzz/eva/run.sh request	the same, where a harness has a body
#	KEEP=build/eva sh tests/fuzz/eva/run.sh		keeps there what Frama-C said
#
# A harness's head says in lines that begin with "Eva":
#	sources	files of the program that are analysed
#	options	for frama-c
#	split	FILE | PART OF A LINE | EXPRESSION: before that line, Eva begins to keep
#		the expression's values apart. The analysis then takes longer and is finer;
#		nothing is left out.
#	alarm	FILE:FUNCTION COUNT: why it is none
#
# Fails when there is an alarm that no head explains, or one fewer than explained, or when
# the analysis didn't come to the end. Ends with 77 without a version of Frama-C that it
# knows: others raise other alarms.
set -eu
cd "$(dirname "$0")/../../.."
here=tests/fuzz/eva
version=$(frama-c -version 2>/dev/null || :)
case $version in
25.*) ;;
*)
	echo "skipped: needs Frama-C 25 (Debian 12's frama-c-base), has ${version:-none}"
	exit 77
	;;
esac
work=${KEEP:-$(mktemp -d)}
[ -n "${KEEP:-}" ] || trap 'rm -rf "$work"' EXIT
failed=0

# said HARNESS WORD: the rest of the lines of its head that begin with it
said() {
	sed -n "s/^ \* Eva $2: *//p" "$here/eva_$1.c"
}

# split_in FILE HARNESS: a copy, with the annotations that the harness asks for
split_in() {
	cp "$1" "$work/$2/$1"
	said "$2" split | grep "^${1##*/} |" >"$work/$2/splits" || :
	while IFS='|' read -r _ line expression; do
		line=$(echo "$line" | sed 's/^ *//; s/ *$//')
		[ "$(grep -cF "$line" "$1")" -eq 1 ] || {
			echo "$2: $1 has not one line \"$line\""
			exit 1
		}
		awk -v line="$line" -v split_at="$expression" \
			'{ print (index($0, line) ? "/*@ split" split_at "; */" : "") $0 }' \
			"$work/$2/$1" >"$work/$2/copy"
		mv "$work/$2/copy" "$work/$2/$1"
	done <"$work/$2/splits"
}

# alarms_of HARNESS: the report's lines that tell of one. A contract's own line says the
# same as those of its calls.
alarms_of() {
	awk -F '\t' 'NR > 1 && $6 != "Valid" && $6 != "Considered valid" && $6 != "Dead" &&
		$5 != "precondition" && $4 !~ /^Frama_C_show_each/' "$work/$1/report"
}

analyse() {
	dir=$work/$1
	sources=
	for source in $(said "$1" sources); do
		mkdir -p "$dir/$(dirname "$source")"
		split_in "$source" "$1"
		sources="$sources $dir/$source"
	done
	flags="-I$here -Iinclude -Isrc${LENGTH:+ -DEVA_LENGTH=$LENGTH}${BODY:+ -DEVA_BODY=$BODY}"
	for source in $(said "$1" sources); do
		flags="$flags -I$(dirname "$source")"
	done
	# What Frama-C has no header for, such as OpenSSL and sys/queue.h.
	flags="$flags -idirafter /usr/include/x86_64-linux-gnu -idirafter /usr/include"
	# shellcheck disable=SC2046,SC2086 # options and names are words
	frama-c -machdep gcc_x86_64 -c11 -cpp-extra-args="$flags" \
		-kernel-warn-key annot:missing-spec=abort \
		-warn-unsigned-overflow -warn-signed-downcast \
		-eva -eva-precision 3 -eva-interprocedural-splits -eva-split-limit 5000 \
		$(said "$1" options) "$here/eva_$1.c" $sources \
		-then -report-csv "$dir/report" >"$dir/log" 2>&1
}

check() {
	dir=$work/$1
	mkdir -p "$dir"
	began=$(date +%s)
	if ! analyse "$1" || ! grep -q "show_each_end" "$dir/log" ||
		grep -q "Ignoring previous annotation" "$dir/log"; then
		tail -n 20 "$dir/log"
		echo "$1: the analysis did not come to the end, or a split stands before no" \
			"statement"
		failed=$((failed + 1))
		return
	fi
	alarms_of "$1" | cut -f 2,4 | tr '\t' : | sort | uniq -c |
		sed 's/^ *\([0-9]*\) \(.*\)/\2 \1/' >"$dir/alarms"
	said "$1" alarm | sed 's/^\([^ ]* [0-9]*\):.*/\1/' | sort >"$dir/explained"
	echo "$1: $(awk '{ n += $2 } END { print n + 0 }' "$dir/alarms") alarms,$(sed -n \
		's/.* statements reached (out of [0-9]*):/ statements reached:/p' \
		"$dir/log" | sed 's/ coverage//; s/\.$//'), $(($(date +%s) - began)) s"
	if ! diff -u --label explained --label found "$dir/explained" "$dir/alarms"; then
		alarms_of "$1" | cut -f 2,3,4,7 | tr '\t' :
		failed=$((failed + 1))
	fi
}

if [ $# -eq 0 ]; then
	for file in "$here"/eva_*.c; do
		name=${file##*/eva_}
		set -- "$@" "${name%.c}"
	done
fi
for harness; do
	check "$harness"
done
[ "$failed" -eq 0 ]
