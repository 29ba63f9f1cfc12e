#include "cathgate/certificate.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define LEVEL_2_BITS 112 /* of security, as SSL_CTX_set_security_level(3) counts */
#define EC_KEY_BITS  256

/* A kind, or of EC a curve: TLS 1.3 has no others (RFC 8446 4.2.3). */
static bool is_known(const char *name)
{
	static const char *const known[] = { "RSA",	 "RSA-PSS",    "ED25519",
					     "ED448",	 "prime256v1", "secp384r1",
					     "secp521r1" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(name, known[i]) == 0)
			return true;
	}
	return false;
}

enum certificate_key certificate_judge_key(const EVP_PKEY *key,
					   char ret_what[CERTIFICATE_KEY_SIZE])
{
	const char *kind = key != NULL ? EVP_PKEY_get0_type_name(key) : NULL;
	char curve[48] = "";

	if (kind == NULL) {
		snprintf(ret_what, CERTIFICATE_KEY_SIZE, "that can't be read");
		return CERTIFICATE_KEY_WEAK;
	}
	if (EVP_PKEY_is_a(key, "EC")) {
		EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL);
		snprintf(ret_what, CERTIFICATE_KEY_SIZE, "on the curve %s", curve);
	} else {
		snprintf(ret_what, CERTIFICATE_KEY_SIZE, "of the kind %.32s", kind);
	}
	if (EVP_PKEY_get_security_bits(key) < LEVEL_2_BITS ||
	    (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) < EC_KEY_BITS))
		return CERTIFICATE_KEY_WEAK;
	if (is_known(curve[0] != '\0' ? curve : kind))
		return CERTIFICATE_KEY_GOOD;
	return CERTIFICATE_KEY_UNKNOWN;
}
