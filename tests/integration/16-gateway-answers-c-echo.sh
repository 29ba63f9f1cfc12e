#!/bin/bash
# Goal: C-ECHO is answered by the gateway itself, PACS or no PACS.
. "$(dirname "$0")/../lib/test.sh"

start_gateway
expect "the gateway answers" echoscu -aet CATHLAB3 -aec CATHGATE \
	+tls "$pki/angio.key" "$pki/angio.crt" +cf "$pki/hospital-ca.crt" \
	127.0.0.1 "$gateway_port" >"$work/echoscu.log" 2>&1
