/* Goal: a line is sealed byte for byte as the format has it, and read back; what isn't
 * exactly such a line isn't taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cathgate/audit/chain.h"

#define ZEROS  "0000000000000000000000000000000000000000000000000000000000000000"
#define LINE_0 "{\"seq\":0,\"time\":\"2026-01-31T12:00:00.123456Z\",\"event\":\"start\""
#define LINE_1 "{\"seq\":1,\"time\":\"2026-01-31T12:00:01.000000Z\",\"event\":\"stop\""

static struct digest *digest;

static int setup(void **state)
{
	(void)state;
	digest = digest_new();
	return digest ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	digest_free(digest);
	return 0;
}

static size_t seal(struct chain *chain, const char *members, char ret[512])
{
	memset(ret, 'x', 512);
	memcpy(ret, members, strlen(members));
	size_t size = chain_seal(chain, digest, ret, strlen(members));
	assert_int_equal(size, strlen(members) + CHAIN_SEAL_SIZE);
	assert_int_equal(ret[size - 1], '\n');
	assert_int_equal(ret[size], 'x');
	return size - 1;
}

static void a_line_is_sealed_byte_for_byte(void **state)
{
	struct chain chain = { 0 };
	char line[512], expected[512], first_hash[DIGEST_HEX_SIZE], hex[DIGEST_HEX_SIZE];
	uint8_t hash[DIGEST_SIZE];
	(void)state;
	size_t size = seal(&chain, LINE_0, line);
	assert_int_equal(digest_sha256(LINE_0 ",\"prev\":\"" ZEROS "\"",
				       strlen(LINE_0 ",\"prev\":\"" ZEROS "\""), hash),
			 0);
	digest_hex(hash, sizeof(hash), first_hash);
	snprintf(expected, sizeof(expected),
		 LINE_0 ",\"prev\":\"" ZEROS "\",\"hash\":\"%s\"}", first_hash);
	line[size] = '\0';
	assert_string_equal(line, expected);
	assert_int_equal(chain.next_seq, 1);
	assert_memory_equal(chain.last_hash, hash, sizeof(hash));

	size = seal(&chain, LINE_1, line);
	int covered = snprintf(expected, sizeof(expected), LINE_1 ",\"prev\":\"%s\"",
			       first_hash);
	assert_int_equal(digest_sha256(expected, (size_t)covered, hash), 0);
	digest_hex(hash, sizeof(hash), hex);
	snprintf(expected + covered, sizeof(expected) - (size_t)covered,
		 ",\"hash\":\"%s\"}", hex);
	line[size] = '\0';
	assert_string_equal(line, expected);
}

static void what_was_sealed_is_read_and_follows(void **state)
{
	static const char *const members[] = {
		LINE_0, LINE_1, "{\"seq\":2", "{\"seq\":3,\"detail\":\",\\\"hash\\\":\""
	};
	struct chain writer = { 0 }, reader = { 0 };
	char line[512];
	(void)state;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		struct chain_line read;
		size_t size = seal(&writer, members[i], line);
		assert_int_equal(chain_read(digest, line, size, &read), 0);
		assert_true(read.is_sound);
		assert_int_equal(read.seq, i);
		assert_memory_equal(read.prev, reader.last_hash, DIGEST_SIZE);
		assert_true(chain_follows(&reader, &read));
		struct chain advanced = reader;
		assert_true(chain_advance(&advanced, digest, line, size));
		reader = chain_behind(&read);
		assert_memory_equal(&advanced, &reader, sizeof(reader));
		assert_false(chain_advance(&advanced, digest, line, size));
		assert_memory_equal(&advanced, &reader, sizeof(reader));
		assert_memory_equal(&reader, &writer, sizeof(reader));
		assert_false(chain_follows(&reader, &read));
	}
}

static void what_does_not_follow_is_told(void **state)
{
	struct chain chain = { .next_seq = 7, .last_hash = { 9 } };
	struct chain_line line = { .seq = 7, .prev = { 9 }, .is_sound = true };
	(void)state;
	assert_true(chain_follows(&chain, &line));
	line.seq = 8;
	assert_false(chain_follows(&chain, &line));
	line.seq = 7;
	line.prev[31] = 1;
	assert_false(chain_follows(&chain, &line));
	line.prev[31] = 0;
	line.is_sound = false;
	assert_false(chain_follows(&chain, &line));
}

/* Every byte of a line, changed to every other value: none is still that line. */
static void no_byte_can_change(void **state)
{
	struct chain chain = { 0 };
	struct chain_line read;
	char line[512];
	(void)state;
	size_t size = seal(&chain, LINE_0, line);
	for (size_t at = 0; at < size; at++) {
		char was = line[at];
		for (int value = -128; value < 128; value++) {
			line[at] = (char)value;
			if (line[at] != was && chain_read(digest, line, size, &read) == 0)
				assert_false(read.is_sound);
			struct chain start = { 0 };
			assert_true(chain_advance(&start, digest, line, size) ==
				    (line[at] == was));
		}
		line[at] = was;
	}
	assert_int_equal(chain_read(digest, line, size, &read), 0);
	assert_true(read.is_sound);
}

static void what_has_not_the_shape_is_no_line(void **state)
{
#define TAIL ",\"prev\":\"" ZEROS "\",\"hash\":\"" ZEROS "\"}"
	static const char *const lines[] = {
		"",
		"{",
		"{}",
		"{\"seq\":0}",
		TAIL,
		"{\"seq\":" TAIL,
		"{\"seq\":-1" TAIL,
		"{\"seq\":00" TAIL,
		"{\"seq\":01" TAIL,
		"{\"seq\": 1" TAIL,
		"{\"seq\":1.5,\"time\":\"\"" TAIL,
		"{\"seq\":1e3,\"time\":\"\"" TAIL,
		"{\"seq\":\"1\",\"time\":\"\"" TAIL,
		"{\"seq\":1000000000000000000,\"time\":\"\"" TAIL,
		"{\"seq\":18446744073709551616,\"time\":\"\"" TAIL,
		"{ \"seq\":1,\"time\":\"\"" TAIL,
		" {\"seq\":1,\"time\":\"\"" TAIL,
		"{\"Seq\":1,\"time\":\"\"" TAIL,
		"{\"seq\":1,\"time\":\"\"" TAIL " ",
		"{\"seq\":1,\"time\":\"\"" TAIL "\r",
		"{\"seq\":1,\"prev\":\"" ZEROS "\", \"hash\":\"" ZEROS "\"}",
		"{\"seq\":1,\"prev\":\"" ZEROS "0\",\"hash\":\"" ZEROS "\"}",
		"{\"seq\":1,\"prev\":\"" ZEROS "\",\"hash\":\"0" ZEROS "\"}",
		"{\"seq\":1,\"hash\":\"" ZEROS "\",\"prev\":\"" ZEROS "\"}",
		"{\"seq\":1,\"prev\":\"A" ZEROS "\",\"hash\":\"" ZEROS "\"}",
	};
	struct chain chain = { .next_seq = 1 };
	struct chain_line read = { .seq = 4711 };
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		/* Exactly as long as it is, so that a sanitizer sees each read outside.
		 */
		size_t size = strlen(lines[i]);
		char *exact = malloc(size + 1);
		assert_non_null(exact);
		memcpy(exact, lines[i], size);
		exact = realloc(exact, size > 0 ? size : 1);
		assert_non_null(exact);
		if (chain_read(digest, exact, size, &read) == 0)
			fail_msg("taken for a line: %s", lines[i]);
		assert_false(chain_advance(&chain, digest, exact, size));
		free(exact);
	}
	assert_int_equal(read.seq, 4711);
	assert_int_equal(chain_read(digest, "{\"seq\":999999999999999999" TAIL,
				    strlen("{\"seq\":999999999999999999" TAIL), &read),
			 0);
	assert_int_equal(read.seq, 999999999999999999);
	assert_false(read.is_sound);
}

static void hexadecimal_is_lower_case_only(void **state)
{
	struct chain chain = { .last_hash = { 0xAB, 0xCD, 0xEF } };
	struct chain_line read;
	char line[512];
	(void)state;
	size_t size = seal(&chain, LINE_0, line);
	char *prev = strstr(line, "abcdef");
	assert_non_null(prev);
	memcpy(prev, "ABCDEF", 6);
	assert_int_equal(chain_read(digest, line, size, &read), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_sealed_byte_for_byte),
		cmocka_unit_test(what_was_sealed_is_read_and_follows),
		cmocka_unit_test(what_does_not_follow_is_told),
		cmocka_unit_test(no_byte_can_change),
		cmocka_unit_test(what_has_not_the_shape_is_no_line),
		cmocka_unit_test(hexadecimal_is_lower_case_only),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
