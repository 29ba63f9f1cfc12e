#!/bin/sh
# Makes a throw-away PKI for the tests and the demo in the folder named: two hospitals'
# worth of certificates, good ones and bad ones. Nothing in it protects anything.
#
#	sh certs/make-test-pki.sh FOLDER
#
# README.md lists what comes out.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 1 ] || { echo "usage: sh certs/make-test-pki.sh FOLDER" >&2; exit 2; }
umask 077
mkdir -p "$1"
cd "$1"
export OPENSSL_CONF="$here/openssl.cnf"

now=$(date +%s)
utc() {
	date -u -d "@$((now + $1 * 86400))" +%Y%m%d%H%M%SZ
}

quietly() {
	"$@" >openssl.log 2>&1 || { cat openssl.log >&2; exit 1; }
}

# key NAME [rsa BITS]: a P-256 key unless told otherwise
key() {
	if [ $# -eq 3 ]; then
		quietly openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:$3" -out "$1.key"
	else
		quietly openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
			-out "$1.key"
	fi
}

# authority NAME [PARENT]: a CA, its own root unless a parent signs it
authority() {
	key "$1"
	mkdir -p "$1.d"
	: >"$1.d/index.txt"
	if [ $# -eq 1 ]; then
		quietly openssl req -new -x509 -key "$1.key" -subj "/O=Cathgate test/CN=$1" \
			-days 3650 -extensions authority -out "$1.crt"
	else
		quietly openssl req -new -key "$1.key" -subj "/O=Cathgate test/CN=$1" -out "$1.csr"
		sign "$1" "$2" authority -1 3650
	fi
}

# sign NAME AUTHORITY PROFILE FIRST-DAY LAST-DAY: a request NAME.csr, days from today
sign() {
	CA="$2" quietly openssl ca -batch -notext -name test_ca -in "$1.csr" -out "$1.crt" \
		-extensions "$3" -startdate "$(utc "$4")" -enddate "$(utc "$5")"
	rm "$1.csr"
}

# certificate NAME AUTHORITY PROFILE SAN [FIRST-DAY LAST-DAY [rsa BITS]]
certificate() {
	if [ $# -ge 8 ]; then
		key "$1" "$7" "$8"
	else
		key "$1"
	fi
	quietly openssl req -new -key "$1.key" -subj "/O=Cathgate test/CN=$1" \
		-addext "subjectAltName=$4" -out "$1.csr"
	sign "$1" "$2" "$3" "${5:--1}" "${6:-365}"
}

# crl FILE AUTHORITY FIRST-DAY LAST-DAY
crl() {
	CA="$2" quietly openssl ca -gencrl -name test_ca -out "$1" \
		-crl_lastupdate "$(utc "$3")" -crl_nextupdate "$(utc "$4")"
}

authority hospital-ca
authority modalities-ca
authority stranger-ca
authority regional-root
authority regional-ca regional-root

here_names=DNS:localhost,IP:127.0.0.1,IP:::1
certificate gateway hospital-ca server "DNS:gateway.test,$here_names"
certificate gateway-client hospital-ca client DNS:gateway.test
certificate gateway-client-expired hospital-ca client DNS:gateway.test -30 -1
certificate gateway-expired hospital-ca server "DNS:gateway.test,$here_names" -30 -1
certificate gateway-soon hospital-ca server "DNS:gateway.test,$here_names" -30 10
certificate gateway-rsa hospital-ca server "DNS:gateway.test,$here_names" -1 365 rsa 2048
certificate pacs hospital-ca server "DNS:pacs.test,$here_names"
certificate pacs-rsa hospital-ca server "DNS:pacs.test,$here_names" -1 365 rsa 2048
certificate pacs-elsewhere hospital-ca server DNS:elsewhere.test
certificate pacs-expired hospital-ca server "DNS:pacs.test,$here_names" -30 -1
certificate pacs-revoked hospital-ca server "DNS:pacs.test,$here_names"
certificate pacs-stranger stranger-ca server "DNS:pacs.test,$here_names"

certificate angio modalities-ca client DNS:angio.test,URI:urn:cathgate:angio
certificate echolab modalities-ca client DNS:echolab.test
certificate modality-rsa modalities-ca client DNS:rsa.test -1 365 rsa 2048
certificate modality-expired modalities-ca client DNS:angio.test -30 -1
certificate modality-tomorrow modalities-ca client DNS:angio.test 1 365
certificate modality-revoked modalities-ca client DNS:angio.test
certificate modality-server modalities-ca server DNS:angio.test
certificate modality-weak modalities-ca client DNS:angio.test -1 365 rsa 1024
certificate modality-stranger stranger-ca client DNS:angio.test
certificate modality-regional regional-ca client DNS:angio.test

crl modalities-before.crl modalities-ca -1 30
CA=modalities-ca quietly openssl ca -name test_ca -revoke modality-revoked.crt
CA=hospital-ca quietly openssl ca -name test_ca -revoke pacs-revoked.crt
crl modalities.crl modalities-ca -1 30
crl modalities-stale.crl modalities-ca -30 -1
crl hospital.crl hospital-ca -1 30
crl regional-ca.crl regional-ca -1 30
crl regional-root.crl regional-root -1 30
cat regional-ca.crt regional-root.crt >regional-chain.crt
cat modality-regional.crt regional-ca.crt >modality-regional-chain.crt

openssl rand -base64 32 >pseudonym.key
quietly openssl genpkey -algorithm ed25519 -out audit.key
quietly openssl pkey -in audit.key -pubout -out audit.key.pub
rm -f openssl.log
