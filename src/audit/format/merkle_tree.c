#include "cathgate/audit/merkle_tree.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "merkle_hash.h"

/* Level 0 holds the leaves' hashes. On each level above stand the parents of pairs; a
 * last node without a sibling stands there itself, which makes the tree of RFC 6962. */
struct merkle_tree {
	uint8_t (*levels[MERKLE_PATH_MAX])[DIGEST_SIZE];
	size_t sizes[MERKLE_PATH_MAX], count;
};

static int add_level(struct merkle_tree *tree, size_t size)
{
	uint8_t(*nodes)[DIGEST_SIZE] = reallocarray(NULL, size, sizeof(*nodes));

	if (!nodes)
		return -1;
	tree->levels[tree->count] = nodes;
	tree->sizes[tree->count++] = size;
	return 0;
}

static int grow_level(struct merkle_tree *tree, struct digest *digest)
{
	size_t below = tree->count - 1, size = tree->sizes[below];

	if (add_level(tree, (size + 1) / 2))
		return -1;
	for (size_t i = 0; i + 1 < size; i += 2) {
		if (merkle_hash_node(digest, tree->levels[below][i],
				     tree->levels[below][i + 1],
				     tree->levels[below + 1][i / 2]))
			return -1;
	}
	if (size % 2 == 1)
		memcpy(tree->levels[below + 1][size / 2], tree->levels[below][size - 1],
		       DIGEST_SIZE);
	return 0;
}

struct merkle_tree *merkle_tree_new(const uint8_t (*leaves)[DIGEST_SIZE], size_t count)
{
	struct merkle_tree *tree = calloc(1, sizeof(*tree));
	struct digest *digest = digest_new();
	int result = tree && digest ? add_level(tree, count) : -1;

	for (size_t i = 0; i < count && result == 0; i++)
		result = merkle_hash_leaf(digest, leaves[i], tree->levels[0][i]);
	while (result == 0 && tree->sizes[tree->count - 1] > 1)
		result = grow_level(tree, digest);
	digest_free(digest);
	if (result == 0)
		return tree;
	merkle_tree_free(tree);
	return NULL;
}

void merkle_tree_free(struct merkle_tree *tree)
{
	for (size_t i = 0; tree && i < tree->count; i++)
		free(tree->levels[i]);
	free(tree);
}

const uint8_t *merkle_tree_root(const struct merkle_tree *tree)
{
	return tree->levels[tree->count - 1][0];
}

size_t merkle_tree_path(const struct merkle_tree *tree, size_t index,
			const uint8_t *ret[MERKLE_PATH_MAX])
{
	size_t count = 0;

	for (size_t level = 0; level + 1 < tree->count; level++, index /= 2) {
		if ((index ^ 1) < tree->sizes[level])
			ret[count++] = tree->levels[level][index ^ 1];
	}
	return count;
}
