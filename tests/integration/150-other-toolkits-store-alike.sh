#!/bin/bash
# Goal: toolkits that share no code with ours, ODIL and CTN, store through the gateway in
# CTN's archive what they store there directly, bit for bit, and the audit log proves it;
# contexts that the archive refuses stay refused.
. "$(dirname "$0")/../lib/test.sh"
for tool in odil send_image simple_storage; do
	command -v "$tool" >/dev/null || skip "$tool is missing"
done

run_archive() {
	cd "$pacs_files" || exit
	exec simple_storage -s -i -c PACS -x "$pacs_files" "$port"
}

# tunnel NAME CERTIFICATE TARGET: plain DICOM on $port becomes TLS, as that certificate's
# owner, towards the port TARGET
tunnel() {
	start_server "$1" run_tunnel "$@"
}

run_tunnel() {
	cat >"$work/$1.conf" <<-END
		foreground = yes
		pid =
		debug = notice
		client = yes
		socket = l:TCP_NODELAY=1
		socket = r:TCP_NODELAY=1
		[$1]
		accept = 127.0.0.1:$port
		connect = 127.0.0.1:$3
		cert = $pki/$2.crt
		key = $pki/$2.key
		CAfile = $pki/hospital-ca.crt
		verifyChain = yes
	END
	exec stunnel "$work/$1.conf"
}

# all_send PORT CALLED: each toolkit what it can read
all_send() {
	odil echo 127.0.0.1 "$1" CATHLAB3 "$2"
	odil store 127.0.0.1 "$1" CATHLAB3 "$2" "$work"/odil/*
	send_image -r -Z -a CATHLAB3 -c "$2" 127.0.0.1 "$1" "$work"/ctn/*
} >>"$work/senders.log" 2>&1

pacs_files=$work/archive
mkdir -p "$pacs_files"
start_server archive run_archive
archive_port=$port
start_server stunnel run_stunnel
pacs_port=$port
start_gateway modalities.0.echo=destination
make_objects "$work/odil" explicit implicit dose-sr odd-charset secondary-capture private-class
make_objects "$work/ctn" explicit implicit dose-sr secondary-capture

tunnel straight gateway-client "$pacs_port"
expect "they store directly" all_send "$port" PACS
stored_hashes >"$work/straight"
rm -rf "${pacs_files:?}"/*
tunnel through angio "$gateway_port"
expect "they store through the gateway" all_send "$port" CATHGATE
stored_hashes >"$work/relayed"
expect "the same bytes are stored" diff "$work/straight" "$work/relayed"
expect "most objects arrive" test "$(wc -l <"$work/relayed")" -ge 9
expect "the audit log has their hashes" diff "$work/relayed" \
	<(audit 'select(.event == "instance")' |
		jq -r '"\(.sop_instance) \(.sha256) \(.transfer_syntax) \(.bytes)"' | sort)
while read -r stored; do
	expect "$stored is proved" "$CATHGATE" audit prove "$stored" "$work/audit.jsonl" \
		>>"$work/prove.log" 2>&1
done < <(find "$pacs_files" -type f)
