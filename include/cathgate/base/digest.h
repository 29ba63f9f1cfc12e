/*
 * SHA-256 (FIPS 180-4) as a stream or in one go, HMAC-SHA-256 (RFC 2104), and
 * hexadecimal; on OpenSSL's EVP, which uses what the processor offers.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"

#define DIGEST_SIZE	32
#define DIGEST_HEX_SIZE (2 * DIGEST_SIZE + 1)

struct digest;

/* A new stream, started; NULL without memory. digest_start makes it ready for the next
 * object. */
MUST_USE struct digest *digest_new(void);
void digest_free(struct digest *digest);
/* All three return 0, or -1 when OpenSSL refuses (then the digest is of no use). */
MUST_USE int digest_start(struct digest *digest);
MUST_USE int digest_update(struct digest *digest, const void *bytes, size_t size);
MUST_USE int digest_finish(struct digest *digest, uint8_t ret[DIGEST_SIZE]);

MUST_USE int digest_sha256(const void *bytes, size_t size, uint8_t ret[DIGEST_SIZE]);
MUST_USE int digest_hmac_sha256(const uint8_t *key, size_t key_size, const void *bytes,
				size_t size, uint8_t ret[DIGEST_SIZE]);

/* Lower-case hexadecimal with a NUL at the end; `ret` has room for 2 * size + 1. */
void digest_hex(const uint8_t *bytes, size_t size, char *ret);
