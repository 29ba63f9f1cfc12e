#!/bin/bash
# Goal: storescu with a self-signed certificate on P-521, in TLS 1.2, stores through a
# listener whose CA has a CRL about users' certificates only, to a storescp that has made its
# own certificate as well; openssl s_client with a brainpool key is told what is taken.
. "$(dirname "$0")/../lib/test.sh"

cp -r "$pki" "$work/own"
pki=$work/own
cd "$pki"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-521 -nodes -keyout device.key \
	-out device.crt -subj /CN=device -days 400 2>"$work/openssl.log"
openssl req -x509 -newkey rsa:2048 -nodes -keyout pacs.key -out pacs.crt -subj /CN=pacs \
	-addext subjectAltName=DNS:pacs.test -days 400 2>>"$work/openssl.log"
openssl req -newkey ec -pkeyopt ec_paramgen_curve:brainpoolP256r1 -nodes -keyout brainpool.key \
	-out brainpool.csr -subj /CN=brainpool 2>>"$work/openssl.log"
openssl x509 -req -in brainpool.csr -CA modalities-ca.crt -CAkey modalities-ca.key -days 400 \
	-set_serial 77 -out brainpool.crt 2>>"$work/openssl.log"
sed 's/^\[ revocation \]/&\nissuingDistributionPoint = critical, onlyuser:TRUE/' \
	"$root/certs/openssl.cnf" >users.cnf
CA=modalities-ca OPENSSL_CONF=users.cnf openssl ca -gencrl -name test_ca -out users.crl \
	2>>"$work/openssl.log"
cat modalities-ca.crt device.crt >trusted.crt
cat hospital-ca.crt pacs.crt >pacs-trusted.crt
cd "$root"

make_objects "$work/objects" explicit
start_storescp
sha256=$(openssl x509 -in "$pki/device.crt" -outform DER | sha256sum | cut -d' ' -f1)
start_gateway "listen.0.tls.ca=$pki/trusted.crt" "listen.0.tls.crl=$pki/users.crl" \
	"destinations.0.tls.ca=$pki/pacs-trusted.crt" \
	"destinations.0.tls.crl=$pki/hospital.crl" \
	"modalities.0.certificate.sha256=[\"$sha256\"]"
CERTIFICATE=device OPTIONS="-xe +pz" expect "storescu stores" \
	send "$gateway_port" "$work"/objects/*.dcm
expect "in TLS 1.2" has_record '.outcome == "forwarded" and .tls.version == "TLSv1.2"'

openssl s_client -connect "127.0.0.1:$gateway_port" -tls1_2 -cert "$pki/brainpool.crt" \
	-key "$pki/brainpool.key" </dev/null >>"$work/openssl.log" 2>&1 || :
expect "the reason is about the key" eventually has_record \
	'.reason == "tls-no-common" and (.detail | contains("P-384, P-521 or Ed25519"))'
