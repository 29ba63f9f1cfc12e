/*
 * The provider's parts: keys.c is its keymgmt, signature.c its signatures, provider.c
 * shows both to OpenSSL.
 */
#pragma once

#include <openssl/core_dispatch.h>
#include <openssl/evp.h>

#include "cathgate/signer/channel.h"

#define SIGNER_PROVIDER	  "cathgate"
#define SIGNER_ELSEWHERE  "provider!=" SIGNER_PROVIDER
#define SIGNER_PROPERTIES "provider=" SIGNER_PROVIDER

/* A key as OpenSSL holds it here: the public half is one of the default provider's, which
 * does all that needs no secret. */
struct signer_key {
	const char *kind; /* OpenSSL's name */
	EVP_PKEY *public_half;
	struct signer_key_id id;
};

extern const OSSL_ALGORITHM signer_keymgmts[], signer_signatures[];
