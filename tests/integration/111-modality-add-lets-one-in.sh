#!/bin/bash
# Goal: with what `cathgate setup` and `cathgate modality` write, a modality stores images:
# with its PKCS#12 file, of today's kind and of the old one; with a renewed certificate
# beside the old one until that is ended; and not with one that was revoked.
. "$(dirname "$0")/../lib/test.sh"

conf=$work/etc/cathgate.conf

cathgate() {
	"$CATHGATE" "$@" </dev/null >>"$work/cathgate.log" 2>&1
}

modality() {
	cathgate modality "$@" --config "$conf"
}

# restart: the gateway as it is configured now
restart() {
	[ -z "${gateway_pid:-}" ] || { kill "$gateway_pid"; wait "$gateway_pid" || :; }
	run_gateway "$conf"
}

# unpack FOLDER PASSWORD [OPTION]: what a device makes of its PKCS#12 file
unpack() {
	local from="$work/$1/$name.p12"
	openssl pkcs12 -in "$from" -passin "pass:$2" ${3:-} -nodes -nocerts \
		-out "$work/$1.key" 2>>"$work/openssl.log" &&
		openssl pkcs12 -in "$from" -passin "pass:$2" ${3:-} -clcerts -nokeys \
			-out "$work/$1.crt" 2>>"$work/openssl.log" &&
		openssl pkcs12 -in "$from" -passin "pass:$2" ${3:-} -cacerts -nokeys \
			-out "$work/$1-ca.crt" 2>>"$work/openssl.log"
}

# store FOLDER AE-TITLE: one object, as the modality that got that folder
store() {
	storescu -R -aet "$2" -aec CATHGATE +tls "$work/$1.key" "$work/$1.crt" \
		+cf "$work/$1-ca.crt" -xe 127.0.0.1 "$gateway_port" "$work"/objects/* \
		>>"$work/storescu.log" 2>&1
}

refused_for() {
	[ -n "$(jq -c "select(.reason == \"$1\")" "$work/audit.jsonl")" ]
}

make_objects "$work/objects" explicit
start_storescp
expect "setup is content" cathgate setup --directory "$work/etc" --log-directory "$work" \
	--listen 127.0.0.1 --host 127.0.0.1,gw.test --pacs-host 127.0.0.1 \
	--pacs-port "$pacs_port" --pacs-ae-title PACS --pacs-ca "$pki/hospital-ca.crt" \
	--pacs-server-name pacs.test
# The system picks the port, and the PACS trusts the hospital's CA only.
sed -i 's/port = 2762;/port = 0;/' "$conf"
cp "$pki/gateway-client.crt" "$pki/gateway-client.key" "$work/etc/tls/"

echo "one two three" >"$work/password"
name=angio-3
expect "one is added" modality add angio-3 --ae-title CATHLAB3 --address 127.0.0.0/8 \
	--sop-class XRayAngiographicImageStorage --output "$work/new" \
	--password-file "$work/password"
expect "its file opens" unpack new "one two three"
name=old-angio
expect "an old one is added" modality add old-angio --ae-title OLDLAB --legacy --pem \
	--output "$work/old" --password-file "$work/password"
expect "its file opens, as of old" unpack old "one two three" -legacy
expect "its cipher is of old" grep -q 'pbeWithSHA1And3-KeyTripleDES-CBC' \
	<(openssl pkcs12 -in "$work/old/old-angio.p12" -info -noout -legacy \
		-passin "file:$work/password" 2>&1)
expect "an old one gets RSA" grep -q 'RSA\|BEGIN PRIVATE' "$work/old/old-angio.key"
for folder in new old; do
	expect "$folder holds for openssl" openssl verify -x509_strict -crl_check \
		-purpose sslclient -CAfile "$work/$folder/ca.crt" \
		-CRLfile "$work/etc/tls/modalities.crl" "$work/$folder.crt" >"$work/verify.log"
	expect "$folder is the owner's alone" test -z "$(find "$work/$folder" -perm /077)"
done
grep -q "AE title (called)    CATHGATE" "$work/new/angio-3.txt" || fail "the page says less"

restart
expect "the new one stores" store new CATHLAB3
expect "the old one stores" store old OLDLAB
expect "neither passes for the other" fails store new OLDLAB
expect "and that is why" eventually refused_for ae-certificate-mismatch

expect "renewed" modality renew old-angio --output "$work/renewed" --pem
cp "$work/renewed/old-angio.crt" "$work/renewed.crt"
cp "$work/renewed/old-angio.key" "$work/renewed.key"
cp "$work/renewed/ca.crt" "$work/renewed-ca.crt"
restart
expect "the new certificate is let in" store renewed OLDLAB
expect "so is the old one" store old OLDLAB
expect "the new one is confirmed" modality renew old-angio --confirm
restart
expect "the new certificate stays" store renewed OLDLAB
expect "the old one is out" fails store old OLDLAB
expect "and that is why" eventually refused_for tls-revoked

expect "angio-3 is revoked" modality revoke angio-3
expect "the list says so" grep -q '^angio-3 .*revoked' \
	<("$CATHGATE" modality list --config "$conf")
openssl crl -in "$work/etc/tls/modalities.crl" -noout -text \
	-CAfile "$work/etc/tls/modalities-ca.crt" >"$work/crl.log" 2>&1
expect "two are in the CRL" test "$(grep -c 'Serial Number' "$work/crl.log")" -eq 2
restart
expect "angio-3 is out" fails store new CATHLAB3
expect "it comes back with a new certificate" modality renew angio-3 --pem \
	--output "$work/again"
for part in crt key; do cp "$work/again/angio-3.$part" "$work/again.$part"; done
cp "$work/again/ca.crt" "$work/again-ca.crt"
restart
expect "which is let in" store again CATHLAB3
expect "the revoked one stays out" fails store new CATHLAB3

expect "the last are removed" modality remove angio-3
expect "the last are removed" modality remove old-angio
restart
expect "nobody is let in" fails store again CATHLAB3
