#!/bin/bash
# Goal: `cathgate audit prove` finds what a bit-preserving PACS stored, of every kind, and
# says so; whatever differs in a byte, in its header or in the log is not proved.
. "$(dirname "$0")/../lib/test.sh"

log=$work/sealed.jsonl

# prove STATUS VERDICT FILE...: what it says, and how it ends
prove() {
	local wanted=$1 verdict=$2 status=0
	shift 2
	"$CATHGATE" audit prove --json "$@" >"$work/prove.log" 2>&1 || status=$?
	expect "prove ends with $wanted for $1, not $status" test "$status" -eq "$wanted"
	expect "it says $verdict" \
		test "$(jq -r .verdict "$work/prove.log")" = "$verdict"
}

# says TEXT FILE...: the text is in what prove prints for people
says() {
	local text=$1
	shift
	"$CATHGATE" audit prove "$@" >"$work/said.log" 2>&1 || :
	expect "it says \"$text\"" grep -qF -- "$text" "$work/said.log"
}

# seal: the log as it is now, with a chain
seal() {
	cp "$work/audit.jsonl" "$log"
	python3 "$lib/chain.py" seal "$log"
}

# edited OFFSET FILE: a copy with another byte there, from the end
edited() {
	python3 - "$@" <<-END
		import sys
		content = bytearray(open(sys.argv[2], "rb").read())
		content[-int(sys.argv[1])] ^= 1
		open("$work/edited.dcm", "wb").write(content)
	END
}

kinds="explicit implicit big-endian deflated jpeg rle dose-sr undefined-lengths
	empty-sequences odd-charset secondary-capture odd-length"
start_dcmqrscp
start_gateway
# shellcheck disable=SC2086 # kinds are words
make_objects "$work/objects" $kinds
# shellcheck disable=SC2086
send_kinds "$gateway_port" "$work/objects" $kinds
seal

count=0
while read -r stored; do
	prove 0 proved "$stored" "$log"
	count=$((count + 1))
done < <(find "$pacs_files" -type f ! -name index.dat)
expect "all of them are there" test "$count" -eq 12
explicit=$(grep -lF "$(jq -r 'select(.event == "instance") | .sop_instance' "$log" |
	head -n 1)" "$pacs_files"/* | grep -v index.dat)
cp "$explicit" "$work/stored.dcm"	# the archive replaces what comes twice
explicit=$work/stored.dcm
says "proved: these bytes are those that CATHLAB3 (angio) sent" "$explicit" "$log"
says "forwarded, destination pacs, status 0000" "$explicit" "$log"
says "its own hash holds" "$explicit" "$log"
says "its chain of hashes holds, from line 1" "$explicit" "$log"
expect "the line's number is right" test "$(jq .records[0].seq <"$work/prove.log")" -eq \
	"$(sed -n "$(jq .records[0].line <"$work/prove.log")p" "$log" | jq .seq)"

# without preamble, without meta header at all
tail -c +133 "$explicit" >"$work/no-preamble.dcm"
prove 0 proved "$work/no-preamble.dcm" "$log"
python3 - "$explicit" "$work/bare.dcm" <<-END
	import sys, objects
	open(sys.argv[2], "wb").write(objects.read_part10(sys.argv[1]).data)
END
prove 0 proved "$work/bare.dcm" "$log"

# what a PACS that re-encodes makes of it
dcmconv +ti "$explicit" "$work/implicit.dcm"
prove 1 other-bytes "$work/implicit.dcm" "$log"
says "Perhaps the PACS" "$work/implicit.dcm" "$log"
says "transfer syntax is 1.2.840.10008.1.2 here, 1.2.840.10008.1.2.1 in the log" \
	"$work/implicit.dcm" "$log"
edited 1 "$explicit"
prove 1 other-bytes "$work/edited.dcm" "$log"
sed 's/1\.2\.840\.10008\.1\.2\.1\x00/1.2.840.10008.1.2.2\x00/' "$explicit" >"$work/edited.dcm"
prove 1 other-transfer-syntax "$work/edited.dcm" "$log"
head -c -2 "$explicit" >"$work/edited.dcm"
prove 1 other-bytes "$work/edited.dcm" "$log"
make_objects "$work/new" explicit
prove 1 not-found "$work/new/explicit-0001.dcm" "$log"

# another file of the log in vain, then this one
head -n 1 "$log" >"$work/other.jsonl"
prove 0 proved "$explicit" "$work/other.jsonl" "$log"
prove 1 not-found "$explicit" "$work/other.jsonl"

# sent again: two records, told apart
OPTIONS=$(proposing explicit) send "$gateway_port" "$work/objects/explicit-0001.dcm"
seal
prove 0 proved "$explicit" "$log"
expect "both are named" test "$(jq '.records | length' "$work/prove.log")" -eq 2

# logs that somebody changed
sed 's/"calling_ae":"CATHLAB3"/"calling_ae":"CATHLAB4"/' "$log" >"$work/forged.jsonl"
prove 1 log-does-not-hold "$explicit" "$work/forged.jsonl"
says "the line was changed" "$explicit" "$work/forged.jsonl"
sed 3d "$log" >"$work/forged.jsonl"
prove 1 log-does-not-hold "$explicit" "$work/forged.jsonl"
says "DOES NOT HOLD at line 3: it doesn't follow the line before it" "$explicit" \
	"$work/forged.jsonl"
sed 's/,"prev":.*/}/' "$log" >"$work/forged.jsonl"
prove 1 log-does-not-hold "$explicit" "$work/forged.jsonl"
says "nothing vouches for it" "$explicit" "$work/forged.jsonl"

# what is no object, and no log
expect "a log is no log of that name" fails "$CATHGATE" audit prove "$explicit" /nonexistent 2>>"$work/said.log"
status=0
"$CATHGATE" audit prove /nonexistent "$log" 2>"$work/said.log" || status=$?
expect "no object is a fault of usage" test "$status" -eq 2
