/*
 * The spool's keys (docs/SPOOL.md, Keys): the public one seals objects, the private one
 * opens them, and the names key makes the names of files.
 *
 * HPKE is RFC 9180 in base mode, with DHKEM(X25519, HKDF-SHA256) or X-Wing, HKDF-SHA256
 * and AES-256-GCM. Secrets are wiped when they are freed or were used.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"

#define SPOOL_KEY_ID_SIZE 16
#define SPOOL_PUBLIC_MAX  1216
#define SPOOL_ENC_MAX	  1120
#define SPOOL_KEYS_MAX	  8 /* that are in use at once */

#define SPOOL_DESTINATION_SIZE 64 /* of a destination's name, with its NUL */

/* The second is post-quantum, and needs an OpenSSL that has ML-KEM (3.5). */
enum spool_suite { SPOOL_SUITE_X25519 = 1, SPOOL_SUITE_XWING = 2 };

/* For messages: what keys the spool takes. */
#define SPOOL_KINDS "X25519, or, from OpenSSL 3.5 on, ML-KEM-768 with its seed"

/* A public key, plain memory: it crosses to another process. */
struct spool_public {
	uint8_t suite; /* enum spool_suite */
	uint8_t id[SPOOL_KEY_ID_SIZE];
	uint8_t bytes[SPOOL_PUBLIC_MAX];
};

/* How large the suite's public key and encapsulated key are; false: it isn't known. */
MUST_USE bool spool_suite_sizes(uint8_t suite, size_t *ret_public, size_t *ret_enc);

/* What an object's segments are sealed with: an HPKE context's key and base nonce. */
struct spool_secret {
	uint8_t key[32];
	uint8_t nonce[12];
};

struct spool_names_key {
	uint8_t siv[64];
	uint8_t mac[32];
};

struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

/* Has OpenSSL make ready all that the spool's functions use. A process calls it before it
 * gives up its files, or before it forks those that do: none of the functions needs a
 * file then. */
void spool_init(void);

/* The public half of a private key. -1 where it is none of the spool's. */
MUST_USE int spool_public_of(const struct evp_pkey_st *key, struct spool_public *ret);

/* A public key out of its bytes, which the suite gives a size. */
MUST_USE int spool_public_set(enum spool_suite suite, const uint8_t *bytes,
			      struct spool_public *ret);

/* The same of a file with a public key in PEM form, or with both halves of one (the first
 * ML-KEM's, the second X25519's); with faults where it has none. */
MUST_USE int spool_public_load(const struct config_file *file, struct spool_public *ret,
			       struct config_faults *faults);

/* A new key pair in PEM form: PKCS#8, and SubjectPublicKeyInfo. Whoever has one wipes
 * it. */
struct spool_key_text {
	char private_half[8192], public_half[4096];
	struct spool_public key;
};

/* 0; or -1 where OpenSSL refuses: it may have no ML-KEM. */
MUST_USE int spool_key_new(enum spool_suite suite, struct spool_key_text *ret);
/* Of a private key that is there: its public half in PEM form. */
MUST_USE int spool_key_public_text(struct evp_pkey_st *key, struct spool_key_text *ret);

/* Makes a new encapsulated key for an object to that destination. Returns its size, or
 * -1. */
MUST_USE int spool_encapsulate(const struct spool_public *to, const char *destination,
			       uint8_t ret_enc[SPOOL_ENC_MAX], struct spool_secret *ret);
/* The other way, by the private key. -1 where `enc` is none. A wrong destination is seen
 * only when the secret opens nothing. */
MUST_USE int spool_decapsulate(struct evp_pkey_st *key, const uint8_t *enc, size_t size,
			       const char *destination, struct spool_secret *ret);

MUST_USE int spool_names_key_of(struct evp_pkey_st *key, struct spool_names_key *ret);
