#!/bin/bash
# Goal: every instance arrives at Orthanc. Orthanc re-encodes what it receives: what it
# leaves as it was when sent straight must arrive unchanged through the gateway too.
. "$(dirname "$0")/../lib/test.sh"
command -v curl >/dev/null || skip "curl is missing"

orthanc_hashes() {
	local id
	mkdir -p "$work/$1"
	for id in $(curl -sS "$orthanc/instances" | jq -r '.[]'); do
		curl -sS "$orthanc/instances/$id/file" >"$work/$1/$id"
		curl -sS -X DELETE "$orthanc/instances/$id" >"$work/delete.log"
	done
	hashes "$work/$1"/* >"$work/$1.hashes"
}

start_orthanc
start_gateway
make_objects "$work/objects" explicit implicit big-endian deflated jpeg rle dose-sr \
	undefined-lengths empty-sequences odd-charset private-class
CERTIFICATE=gateway-client CALLED=PACS send_raw "$pacs_port" "$work"/objects/*
orthanc_hashes straight
send_raw "$gateway_port" "$work"/objects/*
orthanc_hashes relayed
hashes "$work"/objects/* >"$work/sent.hashes"

expect "every instance arrives" \
	diff <(cut -d ' ' -f 1 "$work/sent.hashes") <(cut -d ' ' -f 1 "$work/relayed.hashes")
comm -12 "$work/sent.hashes" "$work/straight.hashes" >"$work/unchanged"
expect "some arrive unchanged" test -s "$work/unchanged"
expect "they do so through the gateway" \
	diff "$work/unchanged" <(comm -12 "$work/sent.hashes" "$work/relayed.hashes")
expect "the audit log has the hashes of what was sent" \
	diff <(cut -d ' ' -f 1,2 "$work/sent.hashes") \
	<(audit 'select(.event == "instance")' | jq -r '"\(.sop_instance) \(.sha256)"' | sort)
