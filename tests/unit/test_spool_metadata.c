/* Goal: metadata read as they were packed, to each text's limit; what can't be metadata
 * is refused; and what a later version adds is passed over. */
#include "spool_fixture.h"

#define BYTES(text) (text), sizeof(text) - 1

static void fill(char *text, size_t size)
{
	memset(text, 'a', size - 1);
	text[size - 1] = '\0';
}

static void all_items_come_back(void **state)
{
	struct spool_metadata metadata = { .command_size = UINT64_MAX,
					   .data_size = 0x0102030405060708,
					   .sealed_us = -1 };
	struct spool_metadata read = { .command_size = 0 };
	uint8_t packed[SPOOL_HEADER_SIZE];
	int size;

	(void)state;
#define FILL(text) fill(metadata.text, sizeof(metadata.text))
	FILL(destination);
	FILL(modality);
	FILL(association);
	FILL(calling_ae);
	FILL(called_ae);
	FILL(abstract_syntax);
	FILL(transfer_syntax);
	FILL(sop_class);
	FILL(sop_instance);
	FILL(study);
	FILL(patient_id);
#undef FILL
	memset(metadata.sha256, 7, sizeof(metadata.sha256));
	size = spool_metadata_pack(&metadata, packed, sizeof(packed));
	assert_true(size > 0);
	assert_int_equal(spool_metadata_unpack(packed, (size_t)size, &read), 0);
	assert_memory_equal(&read, &metadata, sizeof(read));

	/* Each smaller room is too small. */
	for (int room = 0; room < size; room++)
		assert_int_equal(spool_metadata_pack(&metadata, packed, (size_t)room),
				 -1);
	memset(metadata.study, 'a', sizeof(metadata.study));
	assert_int_equal(spool_metadata_pack(&metadata, packed, sizeof(packed)), -1);
}

static void what_is_empty_stays_so(void **state)
{
	struct spool_metadata metadata = { .destination = "p" }, read;
	uint8_t packed[SPOOL_HEADER_SIZE];
	int size = spool_metadata_pack(&metadata, packed, sizeof(packed));

	(void)state;
	assert_int_equal(size, 3 + 1 + 3 + 32 + 3 * (3 + 8));
	assert_memory_equal(packed, "\1\0\1p\14\0\x20", 7);
	assert_int_equal(spool_metadata_unpack(packed, (size_t)size, &read), 0);
	assert_memory_equal(&read, &metadata, sizeof(read));
	assert_int_equal(spool_metadata_unpack(packed, 0, &read), 0);
	assert_string_equal(read.destination, "");
}

static void what_is_wrong_is_refused(void **state)
{
	static const struct {
		const char *what, *bytes;
		size_t size;
		int result;
	} cases[] = {
		{ "a text", BYTES("\2\0\3abc"), 0 },
		{ "an empty one", BYTES("\2\0\0"), 0 },
		{ "no order", BYTES("\12\0\1a\2\0\1b"), 0 },
		{ "an unknown item", BYTES("\xff\0\3abc\2\0\1b"), 0 },
		{ "an item of number 0", BYTES("\0\0\0"), 0 },
		{ "an item twice", BYTES("\2\0\1a\2\0\1a"), -1 },
		{ "an unknown one twice", BYTES("\xff\0\0\xff\0\0"), -1 },
		{ "half a head", BYTES("\2\0"), -1 },
		{ "a text that is cut", BYTES("\2\0\3ab"), -1 },
		{ "an unknown one that is cut", BYTES("\xff\xff\xff"), -1 },
		{ "a text with a NUL", BYTES("\2\0\3a\0b"), -1 },
		{ "a text as large as its room",
		  BYTES("\3\0\x11"
			"0123456789abcdefg"),
		  -1 },
		{ "a short hash", BYTES("\14\0\1a"), -1 },
		{ "a short number", BYTES("\15\0\4\0\0\0\1"), -1 },
		{ "a long number", BYTES("\15\0\11\0\0\0\0\0\0\0\0\1"), -1 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		/* Of its own size, so that a sanitizer sees each byte too many. */
		uint8_t *bytes = malloc(cases[i].size);
		struct spool_metadata read = { .command_size = 4711 };

		memcpy(bytes, cases[i].bytes, cases[i].size);
		if (spool_metadata_unpack(bytes, cases[i].size, &read) != cases[i].result)
			fail_msg("%s", cases[i].what);
		assert_int_equal(read.command_size, cases[i].result == 0 ? 0 : 4711);
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_items_come_back),
		cmocka_unit_test(what_is_empty_stays_so),
		cmocka_unit_test(what_is_wrong_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
