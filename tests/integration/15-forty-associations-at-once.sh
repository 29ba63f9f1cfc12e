#!/bin/bash
# Goal: 40 modalities send at once; everything arrives, each in a process of its own.
. "$(dirname "$0")/../lib/test.sh"

OBJECTS=200 make_objects "$work/objects" explicit
start_storescp
start_gateway
cd "$work/objects"
senders=()
for sender in $(seq 0 39); do
	send "$gateway_port" $(printf 'explicit-%04d.dcm ' $(seq $((5 * sender + 1)) \
		$((5 * sender + 5)))) &
	senders+=("$!")
done
for sender in "${senders[@]}"; do
	expect "each sender succeeds" wait "$sender"
done
hashes "$work"/objects/* | cut -d ' ' -f 1 >"$work/sent"
expect "all arrive" diff "$work/sent" <(stored_hashes | cut -d ' ' -f 1)
expect "from 40 associations" test "$(audit 'select(.outcome == "forwarded") |
	.association' | sort -u | wc -l)" -eq 40
