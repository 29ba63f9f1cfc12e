#!/bin/bash
# Goal: storescp, dcmqrscp and Orthanc get from the spool, after they were away, what storescu
# sent meanwhile, in each kind of encoding: the same bytes as straight from the sender, or in
# Orthanc every instance. What one of them refuses for good is kept, and told of.
. "$(dirname "$0")/../lib/test.sh"
command -v curl >/dev/null || skip "curl is missing"

kinds="explicit implicit big-endian deflated jpeg rle dose-sr undefined-lengths \
	empty-sequences odd-charset secondary-capture odd-length"
openssl genpkey -algorithm X25519 -out "$work/spool.key" 2>/dev/null
chmod 0400 "$work/spool.key"
openssl pkey -in "$work/spool.key" -pubout -out "$work/spool.key.pub"

# with_spool PORT: the gateway, with a spool, for a PACS on that port
# dcmqrscp answers C000 or A900 to some of what two associations send it at once, so it gets
# one courier.
with_spool() {
	couriers=2
	[ "${pacs:-}" != dcmqrscp ] || couriers=1
	pacs_port=$1 start_gateway spool.mode=always "spool.key=$work/spool.key" \
		"spool.directory=$work/spool" spool.min_free_bytes=4096 \
		spool.retry_first_seconds=1 spool.retry_max_seconds=1 \
		destinations.0.couriers=$couriers
}

# has_files STATE COUNT: the spool has so many; a rename may follow what tells of it
has_files() {
	[ "$(find "$work/spool" -name "*.$1" | wc -l)" -eq "$2" ]
}

# to_pacs: a reload brings the PACS on $pacs_port into force
to_pacs() {
	sed -i "s/^port = 1;/port = $pacs_port;/" "$work/cathgate.conf"
	kill -HUP "$gateway_pid"
	for _ in $(seq 600); do
		[ "$(audit 'select(.event == "delivery" and (.outcome == "forwarded" or
			.outcome == "dead")) | .sop_instance' | wc -l)" -lt "$1" ] || return 0
		sleep 0.1
	done
	fail "not all was delivered"
}

end_gateway() {
	kill "$gateway_pid"
	wait "$gateway_pid"
	gateways=()
	rm -rf "$work/spool" "$work/audit.jsonl" "$work"/audit.*
}

make_objects "$work/objects" $kinds
count=$(echo $kinds | wc -w)
for pacs in storescp dcmqrscp; do
	start_$pacs
	CERTIFICATE=gateway-client CALLED=PACS send_kinds "$pacs_port" "$work/objects" $kinds
	stored_hashes >"$work/straight"
	rm -rf "${pacs_files:?}"/*
	with_spool 1
	send_kinds "$gateway_port" "$work/objects" $kinds
	expect "$pacs: $count objects wait" eventually has_files q "$count"
	to_pacs "$count"
	expect "$pacs: nothing is dead" has_files x 0
	stored_hashes >"$work/kept"
	expect "$pacs: the bytes are the same" diff "$work/straight" "$work/kept"
	audit 'select(.event == "delivery" and .outcome == "forwarded")' |
		jq -r '"\(.sop_instance) \(.sha256) \(.transfer_syntax) \(.bytes)"' |
		sort >"$work/audited"
	expect "$pacs: the deliveries' lines have their hashes" diff "$work/kept" "$work/audited"
	end_gateway
done

start_orthanc
with_spool 1
send_kinds "$gateway_port" "$work/objects" $kinds
to_pacs "$count"
expect "Orthanc has every instance" \
	test "$(curl -sS "$orthanc/instances" | jq length)" -eq "$count"
end_gateway

# dcmqrscp knows no private SOP classes
make_objects "$work/private" private-class
start_dcmqrscp
with_spool 1
send_kinds "$gateway_port" "$work/private" private-class
to_pacs 1
expect "what dcmqrscp refuses is dead, and kept" \
	test "$(audit 'select(.event == "delivery" and .outcome == "dead") | .reason')" = \
	'"destination-status"'
expect "it is in the spool" eventually has_files x 1
