#!/bin/bash
# Goal: what openssl.cnf says for all programs changes nothing of what the gateway asks of a
# modality and takes: versions, groups, ciphers, signature algorithms, ALPN.
. "$(dirname "$0")/../lib/test.sh"

# What a modality is asked for and given, as OpenSSL's own client tells.
shake() {
	openssl s_client -connect "127.0.0.1:$gateway_port" -cert "$pki/angio.crt" \
		-key "$pki/angio.key" -CAfile "$pki/hospital-ca.crt" "$@" </dev/null 2>&1 |
		grep -E '^(Requested Signature|Server Temp Key|Peer Temp Key|New,)|ALPN|Secure Reneg|alert n' |
		sed 's/.*SSL alert/SSL alert/' || :
}

say_all() {
	for version in -tls1_3 -tls1_2; do
		shake "$version"
		shake "$version" -sigalgs RSA+SHA1
		shake "$version" -groups X448
		shake "$version" -alpn h2
		shake "$version" -alpn h2,dicom
	done
}

start_storescp
start_gateway
say_all >"$work/as-it-is"

OPENSSL_CONF=$lib/weak-openssl.cnf start_gateway audit.file="$work/other.jsonl"
say_all >"$work/with-openssl-cnf"
expect "nothing is other than before" diff "$work/as-it-is" "$work/with-openssl-cnf"
expect "TLS 1.3 is spoken" grep -q '^New, TLSv1.3' "$work/with-openssl-cnf"
expect "SHA-1 is not asked for" sh -c "! grep -q 'Requested.*SHA1' '$work/with-openssl-cnf'"
