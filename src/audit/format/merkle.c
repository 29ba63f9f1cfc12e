#include "cathgate/audit/merkle.h"

#include <stdbool.h>
#include <string.h>

#include "merkle_hash.h"

static int hash_bytes(struct digest *digest, const uint8_t *bytes, size_t size,
		      uint8_t ret[DIGEST_SIZE])
{
	return digest_start(digest) || digest_update(digest, bytes, size) ||
			       digest_finish(digest, ret)
		       ? -1
		       : 0;
}

int merkle_hash_leaf(struct digest *digest, const uint8_t data[DIGEST_SIZE],
		     uint8_t ret[DIGEST_SIZE])
{
	uint8_t bytes[1 + DIGEST_SIZE] = { 0 };
	memcpy(bytes + 1, data, DIGEST_SIZE);
	return hash_bytes(digest, bytes, sizeof(bytes), ret);
}

int merkle_hash_node(struct digest *digest, const uint8_t left[DIGEST_SIZE],
		     const uint8_t right[DIGEST_SIZE], uint8_t ret[DIGEST_SIZE])
{
	uint8_t bytes[1 + 2 * DIGEST_SIZE] = { 1 };
	memcpy(bytes + 1, left, DIGEST_SIZE);
	memcpy(bytes + 1 + DIGEST_SIZE, right, DIGEST_SIZE);
	return hash_bytes(digest, bytes, sizeof(bytes), ret);
}

int merkle_add(struct merkle *tree, struct digest *digest,
	       const uint8_t hash[DIGEST_SIZE])
{
	uint8_t node[DIGEST_SIZE];
	unsigned level = 0;
	if (merkle_hash_leaf(digest, hash, node))
		return -1;
	/* As in counting: each 1 at the low end carries into the next. */
	for (; tree->size >> level & 1; level++) {
		if (merkle_hash_node(digest, tree->subtrees[level], node, node))
			return -1;
	}
	memcpy(tree->subtrees[level], node, sizeof(node));
	tree->size++;
	return 0;
}

int merkle_root(const struct merkle *tree, struct digest *digest,
		uint8_t ret[DIGEST_SIZE])
{
	uint8_t root[DIGEST_SIZE];
	bool is_first = true;
	if (tree->size == 0 && (digest_start(digest) || digest_finish(digest, root)))
		return -1;
	/* The smallest subtree stands furthest right. */
	for (unsigned level = 0; level < 64; level++) {
		if (!(tree->size >> level & 1))
			continue;
		if (is_first)
			memcpy(root, tree->subtrees[level], sizeof(root));
		else if (merkle_hash_node(digest, tree->subtrees[level], root, root))
			return -1;
		is_first = false;
	}
	memcpy(ret, root, sizeof(root));
	return 0;
}
