/*
 * The Ed25519 keys that sign checkpoints, as a signed note uses them: four bytes before a
 * signature tell whose key it is.
 */
#pragma once

#include "cathgate/audit/checkpoint.h"

#define CHECKPOINT_SIGNED_SIZE 68

/* SHA-256 of the public half's DER, in hex. */
const char *signing_key_name(const struct signing_key *key);
/* The pair's public half; it lives as long as `key`. */
const struct verifying_key *signing_key_public(const struct signing_key *key);

/* Key id and signature of `text`, the key called `name`. -1 when OpenSSL refuses. */
MUST_USE int checkpoint_key_sign(const struct signing_key *key, const char *name,
				 const char *text, size_t size,
				 uint8_t ret[CHECKPOINT_SIGNED_SIZE]);
MUST_USE enum checkpoint_verdict checkpoint_key_verify(
	const struct verifying_key *key, const char *name, const char *text, size_t size,
	const uint8_t signature[CHECKPOINT_SIGNED_SIZE]);
