#!/bin/bash
# Goal: a modality of an older generation, RSA certificate and TLS 1.2, gets through.
. "$(dirname "$0")/../lib/test.sh"

make_objects "$work/objects" explicit
start_storescp
start_gateway "listen.0.tls.certificate=$pki/gateway-rsa.crt" \
	"listen.0.tls.key=$pki/gateway-rsa.key" \
	'modalities.0.certificate={"dns": ["rsa.test"]}'
CERTIFICATE=modality-rsa OPTIONS="-xe +pz" send "$gateway_port" "$work"/objects/*.dcm
expect "with TLS 1.2" test "$(audit 'select(.event == "instance") | .tls.version')" \
	= '"TLSv1.2"'
