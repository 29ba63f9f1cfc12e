#!/bin/bash
# Goal: what `cathgate destination page` prints for Orthanc and for stunnel makes of each a
# PACS that takes the gateway's images, and nobody else's; the page names titles, address,
# certificate and CA, says so where there is no TLS, and overwrites nothing.
. "$(dirname "$0")/../lib/test.sh"
command -v curl >/dev/null || skip "curl is missing"

page() {
	"$CATHGATE" destination page "$@" --config "$work/cathgate.conf" </dev/null
}

# page_of PORT: the page for a PACS on that port, in $work/page; its CA as the PACS saves it
page_of() {
	pacs_port=$1 configure
	page pacs >"$work/page"
	mkdir -p "$work/etc"
	sed -n '/^-----BEGIN/,/^-----END/p' "$work/page" >"$work/etc/cathgate-ca.pem"
}

# settings BEGIN: the lines to paste of the part with that headline, for our own folder
settings() {
	awk -v begin="$1" 'index($0, begin) == 1 { on = 1; next }
		on && /^[^ ]/ { exit }
		on && /^    / { print substr($0, 5) }' "$work/page" |
		sed "s,/etc/[a-z]*/,$work/etc/,"
}

run_orthanc_by_page() {
	page_of "$port"
	jq -n --arg work "$work/orthanc" --argjson http "$http_port" '{ Name: "test",
		StorageDirectory: $work, IndexDirectory: $work, Plugins: [],
		HttpPort: $http, AuthenticationEnabled: false }' >"$work/base.json"
	jq -s '.[0] + .[1]' "$work/base.json" <(settings Orthanc) >"$work/orthanc.json"
	exec "$(command -v Orthanc || echo /usr/sbin/Orthanc)" "$work/orthanc.json"
}

# The PACS behind it is DCMTK's, without TLS.
run_stunnel_by_page() {
	page_of "$port"
	{
		printf 'foreground = yes\npid =\n'
		settings "A PACS without TLS" | sed "s/127.0.0.1:104\$/127.0.0.1:$archive_port/"
	} >"$work/stunnel.conf"
	exec stunnel "$work/stunnel.conf"
}

# sends_as CERTIFICATE CALLING CALLED: straight to the PACS
sends_as() {
	CERTIFICATE=$1 CALLING=$2 CALLED=$3 send "$pacs_port" "$work"/objects/*
}

# takes_ours WHAT: the gateway's images come through, a modality's own way there is shut
takes_ours() {
	start_gateway
	expect "$1 takes the gateway's image" send "$gateway_port" "$work"/objects/*
	expect "$1 takes none of who shows another CA's certificate" \
		fails sends_as angio CATHLAB3 PACS
	kill "$gateway_pid"
	wait "$gateway_pid"
}

make_objects "$work/objects" explicit
mkdir -p "$work/etc" "$work/orthanc"
cp "$pki/pacs-rsa.crt" "$work/etc/pacs.crt"
cp "$pki/pacs-rsa.key" "$work/etc/pacs.key"

http_port=$(python3 "$lib/wait.py" free-port)
start_server orthanc run_orthanc_by_page
pacs_port=$port
takes_ours Orthanc
expect "it is stored" test "$(curl -sS "http://127.0.0.1:$http_port/instances" | jq length)" = 1
expect "so it is of who knows titles and certificate" send_direct "$work"/objects/*
expect "a title that isn't on the page is rejected" \
	fails sends_as gateway-client NOBODY PACS
expect "and so is another called title" fails sends_as gateway-client CATHLAB3 OTHER

pacs_files=$work/dcmqrscp
mkdir -p "$pacs_files"
start_server dcmqrscp run_dcmqrscp
archive_port=$port
start_server stunnel run_stunnel_by_page
pacs_port=$port
takes_ours "a PACS behind stunnel"
expect "it is stored" test "$(find "$pacs_files" -name '*.dcm' -o -name 'XA*' | wc -l)" -ge 1

# What it says.
says() {
	expect "the page says: $1" grep -qF "$1" <(tr -s ' \n' ' ' <"$work/page")
}
page_of 2762
says "AE title (calling) CATHLAB3 These are the modalities' own, which are passed on"
says "Address 127.0.0.1, as far as this machine knows"
says "AE title (called) PACS Host and port 127.0.0.1 port 2762"
says "Name pacs.test, in its subjectAltName"
says "Signed by CN=hospital-ca,O=Cathgate test"
says "Subject CN=gateway-client,O=Cathgate test"
says "CA to trust CN=hospital-ca,O=Cathgate test It follows"
expect "the CA that follows is the one" cmp <(openssl x509 -in "$work/etc/cathgate-ca.pem") \
	<(openssl x509 -in "$pki/hospital-ca.crt")
fingerprint=$(openssl x509 -in "$pki/gateway-client.crt" -outform DER | sha256sum | cut -c 1-64)
says "SHA-256 ${fingerprint:0:32} ${fingerprint:32}"
expect "it fits 80 columns" fails grep -v '^    ' <(grep -E '.{81}' "$work/page")

configure 'destinations.0.calling_ae_title="GATE"' "destinations.0.host=\"pacs.invalid\""
page pacs >"$work/page"
says "AE title (calling) GATE Address not known: pacs.invalid has no address here"

configure 'destinations.0.tls="none"' 'destinations.0.host="127.0.0.1"'
page pacs >"$work/page"
says "None (tls = \"none\"): what is sent can be read and changed on its way"
expect "without TLS, none is set up" fails grep -q "DicomTls\|stunnel\|BEGIN" "$work/page"

expect "it goes into a file" page pacs --output "$work/page.txt" >"$work/output"
expect "the same" cmp "$work/page" "$work/page.txt"
expect "and is never overwritten" fails page pacs --output "$work/page.txt" 2>"$work/why"
expect "it says why" grep -q "is there already; move it away" "$work/why"
expect "an unknown name has the known ones" fails page nobody 2>"$work/why"
expect "they are named" grep -q 'no destination "nobody"; those that there are: pacs' "$work/why"
