#!/bin/bash
# Goal: `cathgate modality add --dns` (--uri, --common-name) lets any certificate in that has
# the name and is of the listener's CA, so that it is renewed without a word to the gateway;
# and a modality without TLS stores through the stunnel.conf that `add --pem` writes.
. "$(dirname "$0")/../lib/test.sh"

conf=$work/etc/cathgate.conf

cathgate() {
	"$CATHGATE" "$@" </dev/null >"$work/said" 2>&1
}

modality() {
	cathgate modality "$@" --config "$conf"
}

said() {
	grep -qF -- "$1" "$work/said"
}

# store CERTIFICATE AE-TITLE
store() {
	storescu -R -aet "$2" -aec CATHGATE +tls "$pki/$1.key" "$pki/$1.crt" \
		+cf "$work/etc/ca/ca.crt" -xe 127.0.0.1 "$gateway_port" "$work"/objects/* \
		>>"$work/storescu.log" 2>&1
}

make_objects "$work/objects" explicit
start_storescp
expect "setup is content" cathgate setup --directory "$work/etc" --log-directory "$work" \
	--listen 127.0.0.1 --host 127.0.0.1,localhost --pacs-host 127.0.0.1 \
	--pacs-port "$pacs_port" --pacs-ae-title PACS --pacs-ca "$pki/hospital-ca.crt" \
	--pacs-server-name pacs.test
sed -i 's/port = 2762;/port = 0;/' "$conf"
cp "$pki/gateway-client.crt" "$pki/gateway-client.key" "$work/etc/tls/"
# The hospital's CA for devices beside the private one, each with its CRL.
cat "$pki/modalities-ca.crt" >>"$work/etc/tls/modalities-ca.crt"
cat "$pki/modalities.crl" >>"$work/etc/tls/modalities.crl"

expect "one is bound to a DNS name" modality add angio --ae-title ANGIO --dns angio.test \
	--output "$work/angio"
expect "the page names it" grep -q "DNS angio.test" "$work/angio/angio.txt"
expect "no key is made" test ! -e "$work/angio/angio.p12"
expect "one is bound to a common name, by its certificate" modality add echo \
	--ae-title ECHO --common-name echolab --certificate "$pki/echolab.crt" \
	--output "$work/echo"
expect "a certificate without the name isn't taken" fails modality add wrong \
	--ae-title WRONG --dns other.test --certificate "$pki/echolab.crt" --output "$work/wrong"
expect "and that is said" said "doesn't have the names"
expect "there is no trace of it" test ! -e "$work/wrong" -a ! -e "$work/etc/modalities.d/wrong.conf"
expect "a name that can't be is refused" fails modality add wrong --ae-title WRONG \
	--dns '*.test' --output "$work/wrong"
expect "making a certificate doesn't go with it" fails modality add wrong --ae-title WRONG \
	--dns x.test --legacy --output "$work/wrong"

run_gateway "$conf"
expect "the one with the name stores" store angio ANGIO
expect "so does the one with the common name" store echolab ECHO
expect "another name is refused" fails store modality-rsa ANGIO
expect "list says how they are bound, and no date of a copy" modality list
expect "and so it is said" test "$(grep -c 'bound to a name' "$work/said")" -eq 2
expect "renew says that there is nothing to do" fails modality renew angio
expect "and so it is said" said "bound to a name"
expect "revoked, it is out" modality revoke angio
expect "and so it is said" said "have the CA that made its certificate revoke that"
expect "its name does not bring it back" fails modality renew angio
expect "and so it is said" said "modalities.d/angio.conf.revoked"
kill "$gateway_pid"; wait "$gateway_pid" || :
run_gateway "$conf"
expect "it is out" fails store angio ANGIO

# The page and stunnel.conf name the port that the gateway has now, which it chose itself.
sed "s/port = 0;/port = $gateway_port;/" "$conf" >"$work/etc/as-it-listens.conf"
expect "one without TLS is added" cathgate modality add plain --ae-title PLAIN --pem \
	--output "$work/plain" --config "$work/etc/as-it-listens.conf"
kill -HUP "$gateway_pid"
expect "and counts" eventually has_record '.event == "reload" and .outcome == "done"'
# Only the port that it listens on is the test's choice.
beside_the_device() {
	cd "$work/plain"
	{ printf 'foreground = yes\npid =\n'
	sed -e "s/^accept = .*/accept = 127.0.0.1:$port/" stunnel.conf; } >tried.conf
	exec stunnel tried.conf
}
start_server beside beside_the_device
expect "the one without TLS stores" storescu -R -aet PLAIN -aec CATHGATE -xe 127.0.0.1 "$port" \
	"$work"/objects/*
