#!/bin/bash
# Goal: storescp is killed while it stores: the sender hears of a failure, and the audit log
# has no success.
. "$(dirname "$0")/../lib/test.sh"

OBJECT_BYTES=4000000 make_objects "$work/objects" explicit
start_storescp --sleep-during 20
start_gateway
send "$gateway_port" "$work"/objects/*.dcm &
sender=$!
expect "the object is on its way" eventually grep -q "Received Store Request" \
	"$work/storescp.log"
kill_hard "$server_pid"
expect "the sender fails" fails wait "$sender"
expect "the record says so" has_record '.event == "instance" and .reason == "destination-lost"
	and (.outcome == "failed" or .outcome == "unconfirmed")'
expect "no success" test -z "$(audit 'select(.outcome == "forwarded")')"
