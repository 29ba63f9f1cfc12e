/*
 * The Merkle tree hash of RFC 6962 (2.1), grown one leaf at a time in constant memory: of
 * the tree so far only the roots of its complete subtrees are kept. Plain memory: a copy
 * is another tree.
 */
#pragma once

#include <stdint.h>

#include "cathgate/base/digest.h"
#include "cathgate/base/must_use.h"

struct merkle {
	uint64_t size;			   /* leaves; all zero is the empty tree */
	uint8_t subtrees[64][DIGEST_SIZE]; /* [i]: of 2^i leaves, where that bit of size
					      is 1 */
};

/* Adds a leaf whose data is `hash`. Uses `digest`, whatever it did before. 0; -1 when
 * OpenSSL refuses. */
MUST_USE int merkle_add(struct merkle *tree, struct digest *digest,
			const uint8_t hash[DIGEST_SIZE]);
/* The root; of an empty tree SHA-256 of nothing. Fails like merkle_add. */
MUST_USE int merkle_root(const struct merkle *tree, struct digest *digest,
			 uint8_t ret[DIGEST_SIZE]);
