#!/bin/bash
# Goal: storescu is killed while it sends: dcmqrscp keeps no half object, the audit log says
# peer-lost, and the next sender is served.
. "$(dirname "$0")/../lib/test.sh"

holds_one() {
	[ "$(find "$pacs_files" -name '*.dcm' | wc -l)" -eq 1 ]
}

OBJECT_BYTES=20000000 make_objects "$work/large" explicit
make_objects "$work/small" explicit
start_dcmqrscp
start_gateway modalities.0.max_bytes_per_second=2000000
send "$gateway_port" "$work"/large/*.dcm 2>"$work/sender.log" &
expect "the object is on its way" eventually grep -q "Received Store SCP" \
	"$work/dcmqrscp.log"
kill_hard $!
expect "its line is written" eventually has_record '.event == "instance" and
	.outcome == "failed" and .reason == "peer-lost"'
expect "another sender is served" send "$gateway_port" "$work"/small/*.dcm
expect "the archive has that object alone" eventually holds_one
