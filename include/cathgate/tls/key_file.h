/*
 * A private key in a file. The keeper reads it, and so do tools that run by themselves.
 */
#pragma once

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"

struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

/* NULL when there was a fault: the file can't be read, others than its owner can read it,
 * or it holds no private key in PEM form. The caller frees the key. */
MUST_USE struct evp_pkey_st *tls_key_load(const struct config_file *file,
					  struct config_faults *faults);
void tls_key_free(struct evp_pkey_st *key);
