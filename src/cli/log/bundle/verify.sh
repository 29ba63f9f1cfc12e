#!/bin/sh
# Verifies a part of a Cathgate audit log, as README.txt beside it describes:
#
#	sh verify.sh                    with the public keys in this folder
#	sh verify.sh OTHER.pub …        with keys that came another way
#
# Needs a POSIX shell, coreutils (sha256sum, base64, od, mktemp) and OpenSSL 3. Exit
# status: 0 all that lines.jsonl holds is proved, 1 it is not, 2 this can't be run.
set -u
LC_ALL=C
export LC_ALL
case ${1-} in -*) echo "usage: sh verify.sh [OTHER.pub …]" >&2 && exit 2 ;; esac
number=0
for key in "$@"; do	# the names may be relative to where we still are
	[ -r "$key" ] || { echo "$key can't be read" >&2 && exit 2; }
done
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
for key in "$@"; do
	number=$((number + 1))
	cp "$key" "$work/key-$number.pub" || exit 2
done
cd "$(dirname "$0")" || exit 2
[ "$#" -gt 0 ] || cp key-*.pub "$work" || exit 2

# What is told may come from the folder: nothing of it steers a terminal.
fail() {
	printf 'DOES NOT HOLD: %.300s\n' "$(printf '%s' "$*" | tr -c ' -~' '?')"
	exit 1
}

is_hash() {
	case $1 in
	*[!0-9a-f]*) return 1 ;;
	esac
	[ "${#1}" -eq 64 ]
}

is_number() {
	case $1 in
	'' | *[!0-9]* | 0[0-9]* | ???????????????????*) return 1 ;;
	esac
}

# SHA-256 of bytes that are given in hex.
sha256_of_hex() {
	rest=$1 bytes=
	while [ -n "$rest" ]; do
		tail=${rest#??}
		byte=$((0x${rest%"$tail"}))
		bytes=$bytes\\$((byte >> 6))$((byte >> 3 & 7))$((byte & 7))
		rest=$tail
	done
	# shellcheck disable=SC2059	# the bytes are the format
	sum=$(printf "$bytes" | sha256sum)
	sum=${sum%% *}
}

# A checkpoint is a signed note (https://c2sp.org/signed-note): three lines that are signed,
# an empty one, and the signature. Sets origin, size, root and first.
read_checkpoint() {
	case $1 in
	checkpoint-*[!0-9]*.note | *[!a-z0-9.-]*) fail "proofs.txt names $1, which is no checkpoint" ;;
	checkpoint-[0-9]*.note) ;;
	*) fail "proofs.txt names $1, which is no checkpoint" ;;
	esac
	[ -r "$1" ] || fail "$1 is missing"
	head -n 3 "$1" >"$work/text"
	tail -n 1 "$1" | cut -d ' ' -f 3 | base64 -d >"$work/signed" 2>/dev/null
	tail -c 64 "$work/signed" >"$work/signature"
	origin=$(head -n 1 "$1") signer=
	for key in "$work"/key-*.pub; do
		openssl pkey -pubin -in "$key" -outform DER -out "$work/der" || exit 2
		id=$({ printf '%s\n\001' "$origin" && tail -c 32 "$work/der"; } | sha256sum |
			cut -c 1-8)
		if openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$work/text" \
			-sigfile "$work/signature" >/dev/null 2>&1 &&
			[ "$(head -c 4 "$work/signed" | od -An -v -tx1 | tr -d ' \n')" = "$id" ]; then
			signer=$(sha256sum <"$work/der")
			signer=${signer%% *}
		fi
	done
	[ -n "$signer" ] || fail "$1 is not signed by the key"
	{ cat "$work/text" && printf '\n\342\200\224 %s ' "$origin" &&
		base64 -w 0 "$work/signed" && echo; } | cmp -s - "$1" ||
		fail "$1 is no signed note"
	{
		read -r origin && read -r size && read -r root
	} <"$work/text" || fail "$1 is no checkpoint"
	root=$(printf '%s\n' "$root" | base64 -d 2>/dev/null | od -An -v -tx1 | tr -d ' \n')
	first=${origin##*/}
	{ is_number "$first" && is_number "$size" && is_hash "$root"; } ||
		fail "$1 is no checkpoint of an audit log"
	printf '%s: signed, over %s lines from number %s on\n\tkey %s\n' "$1" "$size" "$first" \
		"$signer"
}

# RFC 9162, 2.1.3.2: whether the nodes lead from leaf $1, number $2 of $size, to the root.
climb() {
	sha256_of_hex "00$1"
	node=$sum left=$2 last=$((size - 1))
	shift 2
	for sibling in "$@"; do
		is_hash "$sibling" && [ "$last" -gt 0 ] || return 1
		if [ $((left & 1)) -eq 1 ] || [ "$left" -eq "$last" ]; then
			sha256_of_hex "01$sibling$node"
			while [ $((left & 1)) -eq 0 ] && [ "$left" -gt 0 ]; do
				left=$((left >> 1)) last=$((last >> 1))
			done
		else
			sha256_of_hex "01$node$sibling"
		fi
		node=$sum left=$((left >> 1)) last=$((last >> 1))
	done
	[ "$last" -eq 0 ] && [ "$node" = "$root" ]
}

told() { # what bundle.txt says of it
	sed -n "s/^$1=//p" bundle.txt
}

# Sets seq, the number of line $line, after the Merkle proof ($checkpoint, $index and $path)
# has shown that the line is in the log.
check_proof() {
	[ "$checkpoint" = "$current" ] || read_checkpoint "$checkpoint"
	current=$checkpoint
	{ is_number "$index" && [ "$index" -lt "$size" ]; } ||
		fail "the proof of line $count is none"
	seq=$((first + index))
	# shellcheck disable=SC2086	# the nodes are words
	climb "$hash" "$index" $path ||
		fail "line $count of lines.jsonl, number $seq, is not in the log that was signed"
}

# Sets seq for a line that the next one proves: it must hold this one's hash.
check_next() {
	[ -z "$index" ] || fail "the proof of line $count is none"
	seq=${line#*:}
	seq=${seq%%,*}
	is_number "$seq" || fail "line $count of lines.jsonl has no number"
}

# A shell drops NUL bytes, so that they would stand there unproved.
tr -d '\000' <lines.jsonl | cmp -s - lines.jsonl || fail "lines.jsonl holds NUL bytes"
count=0 before='' above='' lowest='' gaps=no current='' awaited=''
exec 3<lines.jsonl 4<proofs.txt || exit 2
while IFS= read -r line <&3 || [ -n "$line" ]; do
	count=$((count + 1))
	read -r checkpoint index path <&4 || fail "line $count of lines.jsonl has no proof"
	head=${line%,\"hash\":*}
	hash=$(printf '%s' "$head" | sha256sum)
	hash=${hash%% *}
	[ "$line" = "$head,\"hash\":\"$hash\"}" ] ||
		fail "line $count of lines.jsonl is not what was written: its hash is another"
	case $head in
	*",\"prev\":\"$awaited\"") ;;
	*) [ -z "$awaited" ] || fail "line $count of lines.jsonl does not follow the one before it" ;;
	esac
	if [ "$checkpoint" = next ]; then
		check_next
		awaited=$hash
	else
		check_proof
		awaited=''
	fi
	case $line in
	"{\"seq\":$seq,"*) ;;
	*) fail "line $count of lines.jsonl does not have the number $seq of its proof" ;;
	esac
	[ -z "$before" ] || [ "$seq" -gt "$before" ] ||
		fail "line $count of lines.jsonl, number $seq, stands behind number $before"
	# Two checkpoints may be of two logs that one key has signed.
	if [ -n "$before" ] && [ "$seq" -eq $((before + 1)) ]; then
		case $head in
		*",\"prev\":\"$above\"") ;;
		*) fail "line $count of lines.jsonl, number $seq, does not follow number $before" ;;
		esac
	elif [ -n "$before" ]; then
		gaps=yes
	fi
	before=$seq above=$hash lowest=${lowest:-$seq}
done
[ -z "$awaited" ] || fail "the line is missing that proves the last one of lines.jsonl"
if read -r rest <&4; then
	fail "proofs.txt has more lines than lines.jsonl: lines are missing"
fi
[ "$(told lines)" = "$count" ] ||
	fail "bundle.txt tells of $(told lines) lines, and lines.jsonl has $count"
[ "$(told consecutive)" != yes ] || [ "$gaps" = no ] ||
	fail "lines are missing: their numbers have gaps, and bundle.txt says they have none"
if [ "$count" -eq 0 ]; then
	echo "NOTHING IS PROVED: no checkpoint covers any of these lines yet"
	exit 1
fi
if [ "$gaps" = no ]; then
	echo "HOLDS: $count lines, numbers $lowest to $before, none missing between them"
else
	echo "HOLDS: $count lines, numbers between $lowest and $before, others left out"
fi
if [ -e unproved.jsonl ]; then
	echo "NOT PROVED: the $(wc -l <unproved.jsonl) lines of unproved.jsonl"
fi
