/*
 * A whole Merkle tree (RFC 6962 2.1) in memory, 64 bytes a leaf, to prove of single
 * leaves that they are in it (2.1.1) without the others. merkle.h makes the same root in
 * constant memory.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/digest.h"
#include "cathgate/base/must_use.h"

#define MERKLE_PATH_MAX 64

struct merkle_tree; /* NULL: no leaves */

/* The tree over `count` > 0 leaves, whose data stand there one behind the other. NULL:
 * there is no memory, or OpenSSL refuses. */
MUST_USE struct merkle_tree *merkle_tree_new(const uint8_t (*leaves)[DIGEST_SIZE],
					     size_t count);
void merkle_tree_free(struct merkle_tree *tree);

const uint8_t *merkle_tree_root(const struct merkle_tree *tree);

/* The nodes that lead from the leaf to the root, from below. Returns how many. */
size_t merkle_tree_path(const struct merkle_tree *tree, size_t index,
			const uint8_t *ret[MERKLE_PATH_MAX]);
