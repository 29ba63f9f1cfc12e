# What a shell test stands on; each begins with
#
#	. "$(dirname "$0")/../lib/test.sh"
#
# and then has a folder of its own ($work), throw-away keys ($pki), and the functions below.
# Whatever they start is ended by its pid when the test ends. On success one line is printed,
# on failure how to run the test again, then the logs and the audit log's tail.

set -eEuo pipefail
exec 3>&1
lib=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$lib/../.." && pwd)
test_name=$(basename "$0" .sh)
CATHGATED=${CATHGATED:-$root/build/dev/src/cathgated}
CATHGATE=${CATHGATE:-$(dirname "$CATHGATED")/cli/cathgate}
export TCP_NODELAY=1	# DCMTK's tools wait 40 ms an object without it

if [ ! -x "$CATHGATED" ]; then
	echo "no cathgated at $CATHGATED: build it, or set CATHGATED"
	exit 1
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/cathgate-XXXXXXXX")
pki=${CATHGATE_TEST_PKI:-$work/pki}
[ -d "$pki" ] || sh "$root/certs/make-test-pki.sh" "$pki"
began=$SECONDS
started=()
gateways=()
why=

# fail TEXT: the test ends here
fail() {
	why=$*
	exit 1
}

# expect TEXT COMMAND...: the command's success is what the test is about
expect() {
	local what=$1
	shift
	"$@" || fail "$what"
}

# fails COMMAND...: for expect, where the command's failure is what the test is about; a
# sanitizer's complaint (99) is none
fails() {
	local status=0
	"$@" || status=$?
	[ "$status" -ne 0 ] && [ "$status" -ne 99 ]
}

# skip TEXT: this machine can't run the test
skip() {
	why="skipped: $*"
	exit 77
}

ending() {
	local status=$?
	exec >&3 2>&1	# wherever the command that failed wrote to
	trap - EXIT ERR
	set +eE
	[ "$status" -ne 0 ] || end_gateways || status=1
	if [ "$status" -eq 77 ]; then
		echo "$test_name $why"
	elif [ "$status" -ne 0 ]; then
		tell
	else
		echo "ok $test_name ($((SECONDS - began)) s)"
	fi
	for pid in "${started[@]}"; do
		kill_hard "$pid"
	done
	rm -rf "$work"
	exit "$status"
}

tell() {
	echo "FAILED $test_name: ${why:-a command failed}; again:"
	echo "  CATHGATED=$CATHGATED bash ${0#"$root/"}"
	for log in "$work"/*.log; do
		[ -s "$log" ] || continue
		echo "--- ${log##*/}"
		tail -n 30 "$log"
	done
	if [ -e "$work/audit.jsonl" ]; then
		echo "--- the tail of the audit log"
		tail -n 8 "$work/audit.jsonl"
	fi
}

trap 'why="${why:-line $LINENO of ${BASH_SOURCE[0]##*/}: $BASH_COMMAND}"' ERR
trap ending EXIT

# make_objects FOLDER KIND...; OBJECTS=N OBJECT_BYTES=N before it for more and larger ones
make_objects() {
	python3 "$lib/objects.py" make "$@" \
		--count "${OBJECTS:-1}" --bytes "${OBJECT_BYTES:-16384}"
}

# hashes FILE...: "SOP-INSTANCE SHA-256 TRANSFER-SYNTAX BYTES" of each, sorted
hashes() {
	python3 "$lib/objects.py" hash "$@" | sort
}

# start_server NAME COMMAND...: a server on a port of its own, which the command finds in
# the variable $port; sets $port and $server_pid. Another process may take the port first:
# then it is tried again on another.
start_server() {
	local name=$1 try
	shift
	for try in 1 2 3 4 5; do
		port=$(python3 "$lib/wait.py" free-port)
		"$@" >>"$work/$name.log" 2>&1 &
		server_pid=$!
		started+=("$server_pid")
		python3 "$lib/wait.py" listening "$server_pid" "$port" && return
		kill "$server_pid" 2>/dev/null || :
	done
	fail "$name did not start to listen"
}

# start_storescp [OPTION...]: storescp with TLS that writes what came, byte for byte, to
# $pacs_files; sets $pacs_port
start_storescp() {
	pacs_files=$work/storescp
	mkdir -p "$pacs_files"
	start_server storescp run_storescp "$@"
	pacs_port=$port
}

run_storescp() {
	exec storescp -v +tls "$pki/pacs.key" "$pki/pacs.crt" +cf "$pki/hospital-ca.crt" \
		+B +xa -pm -dhl -aet PACS -od "$pacs_files" --fork "$@" "$port"
}

# start_dcmqrscp: DCMTK's archive, bit-preserving, behind stunnel; as above
start_dcmqrscp() {
	pacs_files=$work/dcmqrscp
	mkdir -p "$pacs_files"
	start_server dcmqrscp run_dcmqrscp
	archive_port=$port
	start_server stunnel run_stunnel
	pacs_port=$port
}

run_dcmqrscp() {
	cat >"$work/dcmqrscp.cfg" <<-END
		NetworkTCPPort = $port
		MaxPDUSize = 131072
		MaxAssociations = 64
		HostTable BEGIN
		HostTable END
		VendorTable BEGIN
		VendorTable END
		AETable BEGIN
		PACS $pacs_files RW (500, 1024mb) ANY
		AETable END
	END
	exec dcmqrscp -v +B -dhl -xf "$lib/dcmqrscp-profile.cfg" Incoming Incoming \
		-c "$work/dcmqrscp.cfg" "$port"
}

run_stunnel() {
	cat >"$work/stunnel.conf" <<-END
		foreground = yes
		pid =
		debug = notice
		socket = l:TCP_NODELAY=1
		socket = r:TCP_NODELAY=1
		[pacs]
		accept = 127.0.0.1:$port
		connect = 127.0.0.1:$archive_port
		cert = $pki/pacs.crt
		key = $pki/pacs.key
		CAfile = $pki/hospital-ca.crt
		verifyChain = yes
		requireCert = yes
		sslVersionMin = TLSv1.2
	END
	exec stunnel "$work/stunnel.conf"
}

# start_orthanc: Orthanc with DICOM TLS; sets $pacs_port and $orthanc, its REST address
start_orthanc() {
	mkdir -p "$work/orthanc"
	http_port=$(python3 "$lib/wait.py" free-port)
	start_server orthanc run_orthanc
	pacs_port=$port
	orthanc=http://127.0.0.1:$http_port
}

run_orthanc() {
	cat >"$work/orthanc.json" <<-END
		{ "Name": "test", "StorageDirectory": "$work/orthanc",
		  "IndexDirectory": "$work/orthanc", "Plugins": [],
		  "HttpServerEnabled": true, "HttpPort": $http_port,
		  "AuthenticationEnabled": false, "RemoteAccessAllowed": false,
		  "DicomAet": "PACS", "DicomPort": $port, "DicomTlsEnabled": true,
		  "DicomTlsCertificate": "$pki/pacs-rsa.crt",
		  "DicomTlsPrivateKey": "$pki/pacs-rsa.key",
		  "DicomTlsTrustedCertificates": "$pki/hospital-ca.crt",
		  "DicomTlsRemoteCertificateRequired": true,
		  "DicomAlwaysAllowStore": true, "DicomCheckModalityHost": false,
		  "UnknownSopClassAccepted": true, "OverwriteInstances": true,
		  "StableAge": 60, "SyncStorageArea": false }
	END
	exec "$(command -v Orthanc || echo /usr/sbin/Orthanc)" "$work/orthanc.json"
}

# configure [PATH=VALUE...]: writes $work/cathgate.conf for the PACS on $pacs_port, changed
# as config.py says
configure() {
	python3 "$lib/config.py" "$work" "$pki" "${pacs_port:-1}" "$@" >"$work/cathgate.conf"
}

# start_gateway [PATH=VALUE...]: configures, starts, waits for READY=1; sets $gateway_pid
# and $gateway_port
start_gateway() {
	configure "$@"
	run_gateway "$work/cathgate.conf"
}

# run_gateway CONFIGURATION: starts it, as above
run_gateway() {
	local word
	rm -f "$work/ready"
	mkfifo "$work/ready"
	python3 "$lib/wait.py" ready "$work/notify" "$work/ready" \
		"$CATHGATED" --config "$1" --foreground \
		>>"$work/cathgated.log" 2>&1 &
	gateway_pid=$!
	started+=("$gateway_pid")
	gateways+=("$gateway_pid")
	read -r word <"$work/ready"
	rm -f "$work/notify"
	[ "$word" = ready ] || fail "the gateway did not become ready"
	gateway_port=$(sed -n 's/.*listening on .* port \([0-9]*\).*/\1/p' \
		"$work/cathgated.log" | tail -n 1)
	[ -n "$gateway_port" ] || fail "the gateway's log doesn't say where it listens"
}

# Gateways that still run must end well when told to: sanitizers have their word then.
end_gateways() {
	local pid status
	for pid in "${gateways[@]}"; do
		kill "$pid" 2>/dev/null
		status=0
		wait "$pid" || status=$?
		[ "$status" -eq 0 ] || { why="the gateway ended with $status"; return 1; }
	done
	! grep -qs Sanitizer "$work/cathgated.log" || { why="a sanitizer complained"; return 1; }
	! grep -qs 'sandbox: denied: ' "$work/cathgated.log" || { why="a process lacks a system call"; return 1; }
}

# send PORT FILE...: storescu as the modality. CERTIFICATE, CA, CALLING, CALLED and OPTIONS
# before it change what it shows and says
send() {
	local to=$1 certificate=${CERTIFICATE:-angio}
	shift
	# shellcheck disable=SC2086 # options are words
	storescu -R -aet "${CALLING:-CATHLAB3}" -aec "${CALLED:-CATHGATE}" \
		+tls "$pki/$certificate.key" "$pki/$certificate.crt" \
		+cf "$pki/${CA:-hospital-ca}.crt" ${OPTIONS:--xe} \
		127.0.0.1 "$to" "$@" >>"$work/storescu.log" 2>&1
}

# send_direct FILE...: the same sender straight to the PACS
send_direct() {
	CERTIFICATE=gateway-client CALLED=PACS send "$pacs_port" "$@"
}

# send_raw PORT FILE...: the same by our own sender, which doesn't re-encode
send_raw() {
	local to=$1
	shift
	python3 "$lib/rawsend.py" "$to" "$pki" "${CERTIFICATE:-angio}" \
		"${CALLING:-CATHLAB3}" "${CALLED:-CATHGATE}" "$@" >>"$work/rawsend.log" 2>&1
}

# send_kinds PORT FOLDER KIND...: the objects of each kind, by storescu proposing what it
# needs, and what storescu doesn't know by our own sender
send_kinds() {
	local to=$1 folder=$2 kind
	shift 2
	for kind; do
		case $kind in
		private-*) send_raw "$to" "$folder/$kind"-*.dcm ;;
		*) OPTIONS=$(proposing "$kind") send "$to" "$folder/$kind"-*.dcm ;;
		esac
	done
}

# the_same_bytes KIND...: sends an object of each kind to the PACS that writes $pacs_files,
# straight and through the gateway: the files must hold the same data sets, whose hashes
# must stand in the audit log
the_same_bytes() {
	make_objects "$work/objects" "$@"
	CERTIFICATE=gateway-client CALLED=PACS send_kinds "$pacs_port" "$work/objects" "$@"
	stored_hashes >"$work/straight"
	rm -rf "${pacs_files:?}"/*	# the archive's index too, or it finds duplicates
	send_kinds "$gateway_port" "$work/objects" "$@"
	stored_hashes >"$work/relayed"
	expect "$# objects arrive" test "$(wc -l <"$work/relayed")" -eq $#
	expect "the bytes are the same" diff "$work/straight" "$work/relayed"
	audit 'select(.event == "instance" and .outcome == "forwarded")' |
		jq -r '"\(.sop_instance) \(.sha256) \(.transfer_syntax) \(.bytes)"' |
		sort >"$work/audited"
	expect "the audit log has their hashes" diff "$work/relayed" "$work/audited"
}

# stored_hashes: of the files that the PACS wrote
stored_hashes() {
	find "$pacs_files" -type f ! -name index.dat -print0 |
		xargs -0 python3 "$lib/objects.py" hash | sort
}

# proposing KIND: storescu's option for its transfer syntax
proposing() {
	case $1 in
	implicit) echo -xi ;;
	big-endian) echo -xb ;;
	deflated) echo -xd ;;
	jpeg) echo -xy ;;
	rle) echo -xr ;;
	*) echo -xe ;;
	esac
}

# audit FILTER: jq over the audit log, one compact result a line
audit() {
	jq -c "$1" "$work/audit.jsonl"
}

# has_record CONDITION: whether the audit log has a line of which it is true
has_record() {
	[ -n "$(audit "select($1)")" ]
}

# kill_hard PID: the process and its children, without a word of theirs or of the shell's
kill_hard() {
	pkill -9 -P "$1" || :
	kill -9 "$1" 2>/dev/null || :
	{ wait "$1" || :; } 2>/dev/null
}

# eventually COMMAND...: again and again until it succeeds, for some 180 s, which only a hang reaches
eventually() {
	local try
	for try in $(seq 3600); do
		"$@" && return
		sleep 0.05
	done
	return 1
}
