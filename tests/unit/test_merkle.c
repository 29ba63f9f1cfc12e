/* Goal: the tree is that of RFC 6962, at every size. The test has the recursive
 * definition (2.1), which itself must give the roots known from Certificate Transparency.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cathgate/audit/merkle.h"
#include "cathgate/audit/merkle_tree.h"

struct leaf {
	size_t size;
	uint8_t bytes[DIGEST_SIZE];
};

static void define_root(const struct leaf *leaves, size_t count, uint8_t ret[DIGEST_SIZE])
{
	uint8_t bytes[1 + 2 * DIGEST_SIZE] = { 0 };
	if (count == 0) {
		assert_int_equal(digest_sha256("", 0, ret), 0);
		return;
	}
	if (count == 1) {
		memcpy(bytes + 1, leaves->bytes, leaves->size);
		assert_int_equal(digest_sha256(bytes, 1 + leaves->size, ret), 0);
		return;
	}
	size_t left = 1;
	while (left * 2 < count)
		left *= 2;
	bytes[0] = 1;
	define_root(leaves, left, bytes + 1);
	define_root(leaves + left, count - left, bytes + 1 + DIGEST_SIZE);
	assert_int_equal(digest_sha256(bytes, sizeof(bytes), ret), 0);
}

static void the_definition_gives_the_known_roots(void **state)
{
	static const struct leaf leaves[] = {
		{ 0, { 0 } },
		{ 1, { 0x00 } },
		{ 1, { 0x10 } },
		{ 2, { 0x20, 0x21 } },
		{ 2, { 0x30, 0x31 } },
		{ 4, { 0x40, 0x41, 0x42, 0x43 } },
		{ 8, { 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57 } },
		{ 16,
		  { 0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a,
		    0x6b, 0x6c, 0x6d, 0x6e, 0x6f } },
	};
	static const char *const roots[] = {
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	};
	(void)state;
	for (size_t count = 0; count < sizeof(roots) / sizeof(roots[0]); count++) {
		uint8_t root[DIGEST_SIZE];
		char hex[DIGEST_HEX_SIZE];
		define_root(leaves, count, root);
		digest_hex(root, sizeof(root), hex);
		assert_string_equal(hex, roots[count]);
	}
}

#define LEAVES 300

static void the_grown_tree_is_the_defined_one(void **state)
{
	static struct leaf leaves[LEAVES];
	struct merkle tree = { 0 };
	struct digest *digest = digest_new();
	(void)state;
	assert_non_null(digest);
	for (size_t count = 0;; count++) {
		uint8_t expected[DIGEST_SIZE], root[DIGEST_SIZE];
		define_root(leaves, count, expected);
		assert_int_equal(tree.size, count);
		assert_int_equal(merkle_root(&tree, digest, root), 0);
		assert_memory_equal(root, expected, sizeof(root));
		if (count == LEAVES)
			break;
		leaves[count].size = DIGEST_SIZE;
		assert_int_equal(
			digest_sha256(&count, sizeof(count), leaves[count].bytes), 0);
		assert_int_equal(merkle_add(&tree, digest, leaves[count].bytes), 0);
	}
	digest_free(digest);
}

static void a_copy_is_another_tree(void **state)
{
	uint8_t leaf[DIGEST_SIZE] = { 1 }, one[DIGEST_SIZE], again[DIGEST_SIZE];
	struct merkle tree = { 0 };
	struct digest *digest = digest_new();
	(void)state;
	assert_non_null(digest);
	for (int i = 0; i < 3; i++)
		assert_int_equal(merkle_add(&tree, digest, leaf), 0);
	assert_int_equal(merkle_root(&tree, digest, one), 0);
	struct merkle copy = tree;
	assert_int_equal(merkle_add(&copy, digest, leaf), 0);
	assert_int_equal(merkle_root(&tree, digest, again), 0);
	assert_memory_equal(one, again, sizeof(one));
	digest_free(digest);
}

/* RFC 6962 2.1.1, word for word. Returns how many nodes the proof has. */
static size_t define_path(const struct leaf *leaves, size_t count, size_t index,
			  uint8_t ret[][DIGEST_SIZE])
{
	size_t left = 1, nodes;
	if (count == 1)
		return 0;
	while (left * 2 < count)
		left *= 2;
	if (index < left) {
		nodes = define_path(leaves, left, index, ret);
		define_root(leaves + left, count - left, ret[nodes]);
	} else {
		nodes = define_path(leaves + left, count - left, index - left, ret);
		define_root(leaves, left, ret[nodes]);
	}
	return nodes + 1;
}

static void each_leaf_has_the_defined_path(void **state)
{
	static struct leaf leaves[70];
	static uint8_t data[70][DIGEST_SIZE];
	uint8_t wanted[MERKLE_PATH_MAX][DIGEST_SIZE], root[DIGEST_SIZE];
	const uint8_t *path[MERKLE_PATH_MAX];
	(void)state;
	for (size_t i = 0; i < 70; i++) {
		assert_int_equal(digest_sha256(&i, sizeof(i), data[i]), 0);
		leaves[i].size = DIGEST_SIZE;
		memcpy(leaves[i].bytes, data[i], DIGEST_SIZE);
	}
	for (size_t count = 1; count <= 70; count++) {
		struct merkle_tree *tree = merkle_tree_new(data, count);
		assert_non_null(tree);
		define_root(leaves, count, root);
		assert_memory_equal(merkle_tree_root(tree), root, DIGEST_SIZE);
		for (size_t i = 0; i < count; i++) {
			size_t nodes = define_path(leaves, count, i, wanted);
			assert_int_equal(merkle_tree_path(tree, i, path), nodes);
			for (size_t j = 0; j < nodes; j++)
				assert_memory_equal(path[j], wanted[j], DIGEST_SIZE);
		}
		merkle_tree_free(tree);
	}
	merkle_tree_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_leaf_has_the_defined_path),
		cmocka_unit_test(the_definition_gives_the_known_roots),
		cmocka_unit_test(the_grown_tree_is_the_defined_one),
		cmocka_unit_test(a_copy_is_another_tree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
