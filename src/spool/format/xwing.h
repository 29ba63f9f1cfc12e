/*
 * X-Wing (draft-connolly-cfrg-xwing-kem-08), a KEM for HPKE out of ML-KEM-768 (FIPS 203)
 * and X25519: what is sealed by it stays closed unless both are broken. OpenSSL has
 * ML-KEM from 3.5 on.
 *
 * A private key is ML-KEM's, with its seed; the X25519 half follows from the seed
 * (docs/SPOOL.md, Keys). All return 0, or -1 when OpenSSL refuses.
 */
#pragma once

#include <openssl/evp.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"
#include "hpke.h"

#define XWING_ML_KEM	  "ML-KEM-768" /* OpenSSL's name of the key's kind */
#define XWING_ML_KEM_SIZE 1184	       /* of its public key */
#define XWING_PUBLIC_SIZE (XWING_ML_KEM_SIZE + HPKE_POINT_SIZE)
#define XWING_ENC_SIZE	  (1088 + HPKE_POINT_SIZE)
#define XWING_SHARED_SIZE 32

/* Bytes that follow from a private key's seed, by their purpose. */
MUST_USE int xwing_derive(const EVP_PKEY *ml_kem, const char *purpose, uint8_t *ret,
			  size_t size);
/* The private X25519 half of a private key. The caller frees it. NULL without a seed. */
MUST_USE EVP_PKEY *xwing_x25519(const EVP_PKEY *ml_kem);

/* The public key out of keys of either kind. */
MUST_USE int xwing_public(const EVP_PKEY *ml_kem, const EVP_PKEY *x25519,
			  uint8_t ret[XWING_PUBLIC_SIZE]);

/* `once` is a new X25519 key, and nothing else may be done with it. */
MUST_USE int xwing_encapsulate(EVP_PKEY *once, const uint8_t to[XWING_PUBLIC_SIZE],
			       uint8_t ret_enc[XWING_ENC_SIZE],
			       uint8_t ret_shared[XWING_SHARED_SIZE]);
MUST_USE int xwing_decapsulate(EVP_PKEY *ml_kem, EVP_PKEY *x25519,
			       const uint8_t enc[XWING_ENC_SIZE],
			       uint8_t ret_shared[XWING_SHARED_SIZE]);
