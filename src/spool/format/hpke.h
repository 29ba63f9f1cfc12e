/*
 * HPKE (RFC 9180) in base mode, with DHKEM(X25519, HKDF-SHA256) or X-Wing (xwing.h), and
 * HKDF-SHA256: how two sides come to the key and the base nonce of a context. message.h
 * seals with them.
 *
 * All return 0, or -1 when OpenSSL refuses: a point of small order among others.
 */
#pragma once

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"

#define HPKE_POINT_SIZE 32 /* of a public key, and of what two keys agree on */
#define HPKE_NONCE_SIZE 12

/* RFC 9180 7.1 and IANA's registry. */
enum hpke_kem { HPKE_X25519 = 0x0020, HPKE_XWING = 0x647a };

/* RFC 9180 7.3. The spool has the second only; RFC 9180 A.1 has the first. */
enum hpke_aead { HPKE_AES_128_GCM = 1, HPKE_AES_256_GCM = 2 };

/* The 32 bytes of a public key; -1 where it is no X25519 key. */
MUST_USE int hpke_point(const EVP_PKEY *key, uint8_t ret[HPKE_POINT_SIZE]);
/* X25519 (RFC 7748) of a private key and a point. */
MUST_USE int hpke_agree(EVP_PKEY *key, const uint8_t point[HPKE_POINT_SIZE],
			uint8_t ret[HPKE_POINT_SIZE]);

/* Encap and Decap (4.1) of DHKEM. `once` is a new key, and nothing else may be done with
 * it. */
MUST_USE int hpke_encapsulate(EVP_PKEY *once, const uint8_t to[HPKE_POINT_SIZE],
			      uint8_t ret_enc[HPKE_POINT_SIZE],
			      uint8_t ret_shared[HPKE_POINT_SIZE]);
MUST_USE int hpke_decapsulate(EVP_PKEY *key, const uint8_t enc[HPKE_POINT_SIZE],
			      uint8_t ret_shared[HPKE_POINT_SIZE]);

struct hpke_suite {
	enum hpke_kem kem;
	enum hpke_aead aead;
};

/* KeySchedule (5.1). The AEAD says the key's size, 16 or 32 bytes; `info` has at most
 * 128. */
MUST_USE int hpke_schedule(const uint8_t shared[HPKE_POINT_SIZE],
			   const struct hpke_suite *with, const void *info,
			   size_t info_size, uint8_t *ret_key,
			   uint8_t ret_nonce[HPKE_NONCE_SIZE]);
