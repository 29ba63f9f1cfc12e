/*
 * A private key in a file or a token. The keeper reads it, and so do tools that run by
 * themselves.
 */
#pragma once

#include <stdbool.h>

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"

struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

/* NULL when there was a fault: the file can't be read, others than its owner can read it,
 * or it holds no private key in PEM form; or the token has no such key, or doesn't sign
 * with it. What a process has of a key in a token is of no use to a child that it forks.
 * The caller frees the key. */
MUST_USE struct evp_pkey_st *tls_key_load(const struct config_file *file,
					  struct config_faults *faults);
/* Whether a key that was read from a token still signs, as it did then. */
MUST_USE bool tls_token_key_signs(struct evp_pkey_st *key, const char *uri);
/* The file with its PIN, in memory of the caller's; NULL where the URI names none, or
 * without memory. */
char *tls_key_pin_file(const char *uri);
/* Where a key of that URI signs, as signer_scheme_sign wants it. */
const char *tls_key_properties(const char *uri);
void tls_key_free(struct evp_pkey_st *key);
