/*
 * The signatures of a handshake, as TLS numbers them (SignatureScheme, RFC 8446 4.2.3):
 * those that tls/context.c allows, and no others.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"
#include "cathgate/signer/shape.h"

struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

struct signer_scheme {
	uint16_t code;
	const char *key;    /* OpenSSL's name of the kind of key */
	const char *group;  /* of an EC key, in TLS 1.3; NULL: there is none */
	const char *digest; /* NULL: the kind of key has its own */
	bool is_pss;	    /* with a salt as long as the digest */
};

/* NULL where there is none. */
const struct signer_scheme *signer_scheme_of(uint16_t code);
/* The one that signs with this key, digest (NULL or "": none) and padding. For an EC key,
 * the digest says which. */
const struct signer_scheme *signer_scheme_find(const struct evp_pkey_st *key,
					       const char *digest, bool is_pss);
/* Whether the key can sign so what has that shape. TLS 1.3 ties an EC key's curve to the
 * digest, and has no PKCS #1 padding. */
bool signer_scheme_fits(const struct signer_scheme *scheme, const struct evp_pkey_st *key,
			enum signer_shape shape);

/* Hashes, pads and signs. `properties` names the provider that has the key, as a property
 * query of OpenSSL's; NULL: the key is in memory. *ret_size is the room before, and the
 * signature's size then. False when OpenSSL, or a token, makes none. */
MUST_USE bool signer_scheme_sign(const struct signer_scheme *scheme,
				 struct evp_pkey_st *key, const char *properties,
				 const uint8_t *message, size_t size, uint8_t *ret,
				 size_t *ret_size);
