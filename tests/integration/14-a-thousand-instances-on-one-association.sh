#!/bin/bash
# Goal: 1,000 instances pass on one association, each with its line in the audit log.
. "$(dirname "$0")/../lib/test.sh"

OBJECTS=1000 make_objects "$work/objects" explicit
start_storescp
start_gateway
expect "all are sent" send "$gateway_port" +sd "$work/objects"
expect "all arrive" test "$(find "$pacs_files" -type f | wc -l)" -eq 1000
expect "one association, a thousand lines" test "$(audit 'select(.event == "instance" and
	.outcome == "forwarded") | .association' | sort | uniq -c | awk '{print $1}')" = 1000
