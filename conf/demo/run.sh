#!/bin/sh
# Cathgate between a modality and a PACS, on this machine alone: builds it, makes throw-away
# keys, starts a real archive and the gateway, sends studies, shows what was refused and
# what the audit log says.
#
#	sh conf/demo/run.sh		ends what it started and tidies up
#	sh conf/demo/run.sh --keep	leaves it running, for files of your own
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
lib=$root/tests/lib
export TCP_NODELAY=1	# DCMTK's tools wait 40 ms an object without it

build="cmake ninja-build gcc g++ pkg-config libdcmtk-dev libssl-dev libconfig-dev
	libjansson-dev libsystemd-dev libseccomp-dev zlib1g-dev"
peers="dcmtk stunnel4 openssl python3 util-linux"

keep=no
case "$#/${1-}" in
0/) ;;
1/--keep) keep=yes ;;
*) echo "usage: sh conf/demo/run.sh [--keep]" >&2; exit 2 ;;
esac

work=
pids=
step=0

say() {
	step=$((step + 1))
	printf '\n%s. %s\n' "$step" "$*"
}

# fail TEXT [LOG...]: the demo ends here
fail() {
	printf '\nThe demo failed: %s\n' "$1" >&2
	shift
	for log; do
		[ ! -s "$log" ] || { echo "--- the end of ${log##*/}"; tail -n 20 "$log"; } >&2
	done
	exit 1
}

stop_all() {
	for pid in $pids; do
		kill "$pid" 2>/dev/null || :
	done
	for pid in $pids; do
		wait "$pid" 2>/dev/null || :
	done
	pids=
}

ending() {
	status=$?
	trap - EXIT
	stop_all
	[ -z "$work" ] || rm -rf "$work"
	exit "$status"
}
trap ending EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

install_missing() {
	missing=
	for package in $build $peers; do
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null |
			grep -qx installed || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		echo "The demo needs these packages; as root:" >&2
		echo "  apt-get update && apt-get install$missing" >&2
		exit 2
	fi
	echo "Installing$missing"
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086 # names are words
	{ apt-get update -q && apt-get install -q -y --no-install-recommends $missing; } \
		>"$work/apt.log" 2>&1 || fail "packages could not be installed" "$work/apt.log"
}

build_gateway() {
	cmake -S "$root" --preset release -B "$root/build/demo" -DBUILD_TESTING=OFF \
		-DCATHGATE_WERROR=OFF >"$work/build.log" 2>&1 ||
		fail "it can't be configured" "$work/build.log"
	cmake --build "$root/build/demo" >"$work/build.log" 2>&1 ||
		fail "it doesn't build" "$work/build.log"
	cathgated=$root/build/demo/src/cathgated
	cathgate=$root/build/demo/src/cli/cathgate
}

# start NAME COMMAND...: in the background, its words in NAME.log; sets $pid
start() {
	name=$1
	shift
	setsid "$@" </dev/null >"$work/$name.log" 2>&1 &
	pid=$!
	pids="$pid $pids"
}

# start_on_port NAME FUNCTION: a server on a free port, which FUNCTION finds in $port and
# whose command it puts into $command. Another program may take the port first: then again.
start_on_port() {
	for _ in 1 2 3 4 5; do
		port=$(python3 "$lib/wait.py" free-port)
		"$2"
		# shellcheck disable=SC2086 # the command is words
		start "$1" $command
		! python3 "$lib/wait.py" listening "$pid" "$port" || return 0
	done
	fail "$1 doesn't start" "$work/$1.log"
}

archive() {
	cat >"$work/dcmqrscp.cfg" <<-TEXT
		NetworkTCPPort = $port
		MaxPDUSize = 131072
		MaxAssociations = 16
		HostTable BEGIN
		HostTable END
		VendorTable BEGIN
		VendorTable END
		AETable BEGIN
		PACS $work/pacs RW (500, 1024mb) ANY
		AETable END
	TEXT
	command="dcmqrscp -v +B +xs -dhl -c $work/dcmqrscp.cfg $port"
}

tls_before_archive() {
	cat >"$work/stunnel.conf" <<-TEXT
		foreground = yes
		pid =
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
	TEXT
	command="stunnel $work/stunnel.conf"
}

fingerprint() {
	openssl x509 -in "$pki/$1.crt" -noout -fingerprint -sha256 | sed 's/.*=//'
}

configure() {
	cat >"$work/cathgate.conf" <<-TEXT
		gateway: { name = "demo"; };
		listen = (
		  { address = "127.0.0.1"; port = 0;       // any that is free
		    tls: { certificate = "pki/gateway.crt"; key = "pki/gateway.key";
		           ca = "pki/modalities-ca.crt"; crl = "pki/modalities.crl"; } }
		);
		modalities = (
		  { name = "angio-3"; ae_titles = [ "CATHLAB3" ];
		    called_ae_titles = [ "CATHGATE" ]; destination = "pacs";
		    certificate: { sha256 = [ "$(fingerprint angio)" ]; } },
		  { name = "echo-1"; ae_titles = [ "ECHOLAB1" ];
		    called_ae_titles = [ "CATHGATE" ]; destination = "pacs";
		    sop_classes = [ "UltrasoundMultiframeImageStorage" ];
		    certificate: { sha256 = [ "$(fingerprint echolab)" ]; } }
		);
		destinations = (
		  { name = "pacs"; host = "127.0.0.1"; port = $pacs_port; called_ae_title = "PACS";
		    tls: { certificate = "pki/gateway-client.crt"; key = "pki/gateway-client.key";
		           ca = "pki/hospital-ca.crt"; server_name = "pacs.test"; } }
		);
		audit: { file = "audit.jsonl"; signing_key = "pki/audit.key";
		         pseudonym_key = "pki/pseudonym.key";
		         journal = "off"; };
	TEXT
}

start_gateway() {
	"$cathgated" --check --config "$work/cathgate.conf" >"$work/check.log" 2>&1 ||
		fail "the configuration has faults" "$work/check.log"
	start cathgated "$cathgated" --foreground --config "$work/cathgate.conf"
	gateway=$pid
	for _ in $(seq 200); do
		! grep -qs 'ready$' "$work/cathgated.log" || break
		kill -0 "$gateway" 2>/dev/null || break
		sleep 0.05
	done
	grep -q 'ready$' "$work/cathgated.log" ||
		fail "the gateway doesn't start" "$work/cathgated.log"
	gateway_port=$(sed -n 's/.*listening on .* port \([0-9]*\).*/\1/p' "$work/cathgated.log")
}

# send AE-TITLE CERTIFICATE FILE...: as a modality; what it says is in storescu.log
send() {
	title=$1 certificate=$2
	shift 2
	storescu -v -R -xs -aet "$title" -aec CATHGATE \
		+tls "$pki/$certificate.key" "$pki/$certificate.crt" \
		+cf "$pki/hospital-ca.crt" 127.0.0.1 "$gateway_port" "$@" \
		>"$work/storescu.log" 2>&1
}

# refuse TEXT AE-TITLE CERTIFICATE REASON: it must not get through; waits for its line
refuse() {
	echo "   $1"
	! send "$2" "$3" "$work/studies/dose.dcm" ||
		fail "this should have been refused" "$work/cathgated.log"
	sed -n 's/^[EF]: /      the modality: /p' "$work/storescu.log" | head -n 4
	for _ in $(seq 100); do
		! grep -qs "\"reason\":\"$4\"" "$work/audit.jsonl" || break
		sleep 0.05
	done
	grep -q "\"reason\":\"$4\"" "$work/audit.jsonl" ||
		fail "the audit log does not say $4" "$work/cathgated.log"
	echo "      the audit log: refused, $4"
}

say_how_to_go_on() {
	cat >"$work/stop.sh" <<-TEXT
		kill $pids
		for _ in \$(seq 50); do	# until the gateway has written its last line
			kill -0 $gateway 2>/dev/null || break
			sleep 0.1
		done
		rm -rf "$work"
	TEXT
	cat <<-TEXT

		All of it keeps running. Send files of your own, uncompressed or JPEG lossless:

		  storescu -v -R -xs -aet CATHLAB3 -aec CATHGATE \\
		    +tls $pki/angio.key $pki/angio.crt \\
		    +cf $pki/hospital-ca.crt 127.0.0.1 $gateway_port FILE.dcm...

		the PACS's files  $work/pacs
		the audit log     $work/audit.jsonl
		  as a table      python3 $here/report.py table $work/audit.jsonl
		the gateway       $work/cathgated.log, $work/cathgate.conf

		Stop it, and remove all of this (your files in the PACS too):

		  sh $work/stop.sh

	TEXT
	pids=
	work=	# not ours any more
}

umask 077
work=$(mktemp -d "${TMPDIR:-/tmp}/cathgate-demo-XXXXXXXX")
pki=$work/pki
mkdir "$work/pacs"

install_missing
say "Building the gateway (the first time takes a minute or two)"
build_gateway
echo "   $("$cathgated" --version)"

say "Making keys, certificates and studies that belong to nobody"
sh "$root/certs/make-test-pki.sh" "$pki" || fail "the certificates could not be made"
python3 "$here/studies.py" "$work/studies"
dcmcjpeg +e1 "$work/studies/run-2.dcm" "$work/studies/run-2-jpeg.dcm"
mv "$work/studies/run-2-jpeg.dcm" "$work/studies/run-2.dcm"
echo "   two angiography runs (one compressed), a secondary capture, a dose report"

say "Starting the PACS (dcmqrscp, with stunnel for its TLS) and the gateway before it"
start_on_port dcmqrscp archive
archive_port=$port
start_on_port stunnel tls_before_archive
pacs_port=$port
configure
start_gateway
echo "   modality --TLS--> 127.0.0.1:$gateway_port cathgated --TLS--> 127.0.0.1:$pacs_port PACS"

say "The modality CATHLAB3 sends its studies, with the certificate that it is bound to"
send CATHLAB3 angio "$work"/studies/*.dcm ||
	fail "not everything was stored" "$work/storescu.log" "$work/cathgated.log"
sed -n 's|^I: Sending file: .*/|   sent |p; s|^I: Received Store Response |      answer: |p' \
	"$work/storescu.log"

say "Who is not allowed does not get through"
refuse "An AE title that nobody has entered, with a good certificate:" \
	STRANGER angio ae-unknown
refuse "CATHLAB3, with a certificate of a CA that isn't trusted:" \
	CATHLAB3 modality-stranger tls-untrusted
refuse "CATHLAB3, with the good certificate of another modality:" \
	CATHLAB3 echolab ae-certificate-mismatch

if [ "$keep" = no ]; then
	kill "$gateway"
	wait "$gateway" || fail "the gateway did not end well" "$work/cathgated.log"
fi

say "The bytes are the same at both ends, and the audit log can prove it"
python3 "$here/report.py" proof "$work/audit.jsonl" "$work/studies" "$work/pacs" ||
	fail "the bytes are not the same" "$work/cathgated.log"
python3 "$here/report.py" refused "$work/audit.jsonl" \
	ae-unknown tls-untrusted ae-certificate-mismatch ||
	fail "the audit log says something else" "$work/cathgated.log"

say "The audit log (patients are pseudonyms; hashes are cut short here)"
python3 "$here/report.py" table "$work/audit.jsonl"

say "What came of each study, and whose bytes the PACS holds"
"$cathgate" audit report "$work/audit.jsonl" || fail "there is no report"
for file in "$work"/pacs/*.dcm; do
	[ -e "$file" ] || file=$(find "$work/pacs" -type f ! -name 'index.dat' | head -n 1)
	"$cathgate" audit prove "$file" "$work/audit.jsonl" || fail "it is not proved"
	break
done

say "Nobody edited the log: each line vouches for those before, a key for the checkpoints"
"$cathgate" audit verify --key "$pki/audit.key.pub" "$work/audit.jsonl" ||
	fail "the audit log does not hold"
mkdir "$work/edited"
sed 's/"calling_ae":"CATHLAB3"/"calling_ae":"CATHLAB4"/' "$work/audit.jsonl" \
	>"$work/edited/audit.jsonl"
echo "   A copy in which somebody changed an AE title:"
! "$cathgate" audit verify --key "$pki/audit.key.pub" "$work/edited/audit.jsonl" ||
	fail "the change was not found"

[ "$keep" = no ] || say_how_to_go_on
