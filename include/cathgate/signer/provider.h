/*
 * Keys for OpenSSL that lie in another process. A small provider, which is part of the
 * program, knows the public half and has the keeper sign (channel.h). It works with
 * OpenSSL 3.0 and later; nothing of it appears in an openssl.cnf.
 *
 * Promises: such a key can sign, with the signatures of scheme.h, and nothing else. Every
 * other use of OpenSSL in the process stays with its default provider.
 */
#pragma once

#include <stdbool.h>

#include "cathgate/base/must_use.h"

struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

/* A key with that public half, whose private half the keeper holds. The caller frees it.
 * NULL without memory, or for a kind of key that scheme.h doesn't have. */
MUST_USE struct evp_pkey_st *signer_key_new(const struct evp_pkey_st *public_half);

/* Lends these keys a channel, which stays the caller's, until -1 is lent. The process is
 * single-threaded: all keys share it. */
void signer_lend(int channel);
/* Whether a signature was wanted since a channel was last lent, and the keeper gave none.
 */
bool signer_has_failed(void);
