#include "cathgate/base/certificate.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define LEVEL_2_BITS 112 /* of security, as SSL_CTX_set_security_level(3) counts */
#define EC_KEY_BITS  256

/* Kinds of keys, and for EC the curves: TLS 1.3 has no others (RFC 8446 4.2.3). */
static bool is_known_key(const char *name)
{
	static const char *const known[] = { "RSA",	 "RSA-PSS",    "ED25519",
					     "ED448",	 "prime256v1", "secp384r1",
					     "secp521r1" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i]) == 0)
			return true;
	return false;
}

enum certificate_key certificate_judge_key(const EVP_PKEY *key,
					   char ret_what[CERTIFICATE_KEY_SIZE])
{
	const char *kind = key ? EVP_PKEY_get0_type_name(key) : NULL;
	char curve[32] = "";

	if (!kind) {
		snprintf(ret_what, CERTIFICATE_KEY_SIZE, "that can't be read");
		return CERTIFICATE_KEY_WEAK;
	}
	if (EVP_PKEY_is_a(key, "EC")) {
		EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL);
		snprintf(ret_what, CERTIFICATE_KEY_SIZE, "on %s %s",
			 curve[0] != '\0' ? "the curve" : "a curve without a name",
			 curve);
	} else {
		snprintf(ret_what, CERTIFICATE_KEY_SIZE, "of the kind %.32s", kind);
	}
	if (EVP_PKEY_get_security_bits(key) < LEVEL_2_BITS ||
	    (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) < EC_KEY_BITS))
		return CERTIFICATE_KEY_WEAK;
	if (is_known_key(curve[0] != '\0' ? curve : kind))
		return CERTIFICATE_KEY_GOOD;
	return CERTIFICATE_KEY_UNKNOWN;
}

bool certificate_is_for_all(X509 *certificate)
{
	uint32_t usage =
		X509_get_extended_key_usage(certificate); /* all: it isn't there */

	return usage != UINT32_MAX && (usage & XKU_ANYEKU) != 0;
}

/* OpenSSL's own check refuses certificates for any purpose (anyExtendedKeyUsage). The
 * second half takes them and repeats the rest of OpenSSL's check. */
bool certificate_is_for(X509 *certificate, bool server)
{
	uint32_t any_of = KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT |
			  (server ? KU_KEY_ENCIPHERMENT : 0);

	if (X509_check_purpose(certificate,
			       server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT,
			       0) == 1)
		return true;
	return certificate_is_for_all(certificate) &&
	       (X509_get_extension_flags(certificate) & EXFLAG_NSCERT) == 0 &&
	       (X509_get_key_usage(certificate) & any_of) != 0;
}

bool certificate_looks_like_a_peers(X509 *certificate)
{
	return X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) >= 0 ||
	       X509_get_ext_by_NID(certificate, NID_ext_key_usage, -1) >= 0;
}

bool certificate_is_signed_by(X509 *certificate, X509 *issuer)
{
	return X509_check_issued(issuer, certificate) == X509_V_OK &&
	       X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
}

int certificate_public_key_sha256(X509 *certificate, char ret[DIGEST_HEX_SIZE])
{
	unsigned char *der = NULL;
	int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
	uint8_t digest[DIGEST_SIZE];
	int rc = -1;

	if (length > 0 && digest_sha256(der, (size_t)length, digest) == 0) {
		digest_hex(digest, sizeof(digest), ret);
		rc = 0;
	}
	OPENSSL_free(der);
	return rc;
}

int certificate_sha256(X509 *certificate, char ret[DIGEST_HEX_SIZE])
{
	uint8_t digest[DIGEST_SIZE];

	if (X509_digest(certificate, EVP_sha256(), digest, NULL) != 1)
		return -1;
	digest_hex(digest, sizeof(digest), ret);
	return 0;
}
