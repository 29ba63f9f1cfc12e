/*
 * What TLS 1.2 and 1.3 demand of a single certificate. pki/ asks here about certificates
 * and requests that it is given, tls/ when it checks files and when a peer shows one.
 */
#pragma once

#include <stdbool.h>

#include "cathgate/base/digest.h"
#include "cathgate/base/must_use.h"

struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

enum certificate_key {
	CERTIFICATE_KEY_GOOD,
	CERTIFICATE_KEY_WEAK,	/* security level 2 refuses it */
	CERTIFICATE_KEY_UNKNOWN /* a kind or a curve that TLS 1.2 or 1.3 lacks */
};

/* For messages. */
#define CERTIFICATE_KEYS "RSA of 2048 bits or more, P-256, P-384, P-521 or Ed25519"

#define CERTIFICATE_KEY_SIZE 64
/* Judges the key of a certificate that is shown in a handshake. For a CA's key, only
 * CERTIFICATE_KEY_WEAK matters. *ret_what describes the key, as in "on the curve
 * brainpoolP256r1" or "of the kind DSA". A missing key is weak. */
enum certificate_key certificate_judge_key(const struct evp_pkey_st *key,
					   char ret_what[CERTIFICATE_KEY_SIZE]);

struct x509_st; /* OpenSSL's X509 */

/* Whether extendedKeyUsage says that it is for anything (RFC 5280 4.2.1.12). */
bool certificate_is_for_all(struct x509_st *certificate);
/* Whether keyUsage and extendedKeyUsage allow to show it as a TLS server, or client. */
bool certificate_is_for(struct x509_st *certificate, bool server);
/* Whether it has a name or a purpose, as peers' certificates do and CAs' need not. */
bool certificate_looks_like_a_peers(struct x509_st *certificate);
/* Whether the issuer's name and keyUsage fit, and its key made the signature. */
bool certificate_is_signed_by(struct x509_st *certificate, struct x509_st *issuer);
/* The SHA-256 of its DER form, in hexadecimal. 0, or -1 when OpenSSL refuses. */
MUST_USE int certificate_sha256(struct x509_st *certificate, char ret[DIGEST_HEX_SIZE]);
/* The same of its public key (SubjectPublicKeyInfo). */
MUST_USE int certificate_public_key_sha256(struct x509_st *certificate,
					   char ret[DIGEST_HEX_SIZE]);
