/* RFC 6962 2.1: a leaf is hashed with 0 before it, an inner node with 1. */
#pragma once

#include <stdint.h>

#include "cathgate/base/digest.h"
#include "cathgate/base/must_use.h"

/* -1 when OpenSSL refuses. *ret may be one of the others. */
MUST_USE int merkle_hash_leaf(struct digest *digest, const uint8_t data[DIGEST_SIZE],
			      uint8_t ret[DIGEST_SIZE]);
MUST_USE int merkle_hash_node(struct digest *digest, const uint8_t left[DIGEST_SIZE],
			      const uint8_t right[DIGEST_SIZE], uint8_t ret[DIGEST_SIZE]);
