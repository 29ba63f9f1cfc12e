/*
 * Goal: the data set of a DICOM file is found behind whatever stands before it, and what
 * is no meta header is said to be none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cathgate/dicom/part10.h"

#define VERSION	 "\2\0\1\0OB\0\0\2\0\0\0\0\1"
#define CLASS	 "\2\0\2\0UI\6\0001.2.3\0"
#define INSTANCE "\2\0\3\0UI\6\0001.2.4\0"
#define SYNTAX	 "\2\0\x10\0UI\4\0001.9\0"
#define META	 VERSION CLASS INSTANCE SYNTAX
/* 14 + 14 + 14 + 12 */
#define LENGTH	    "\2\0\0\0UL\4\0\x36\0\0\0"
#define DATA_SET    "\10\0\5\0CS\0\0"
#define BYTES(text) (text), sizeof(text) - 1

static void test_files(void **state)
{
	(void)state;
	static const struct {
		const char *name, *bytes;
		size_t size, preamble;
		int result;
		size_t data_set_size;
		const char *syntax, *instance;
	} cases[] = {
		{ "whole", BYTES("DICM" LENGTH META DATA_SET), 128, 0, 8, "1.9",
		  "1.2.4" },
		{ "no preamble", BYTES("DICM" META DATA_SET), 0, 0, 8, "1.9", "1.2.4" },
		{ "no prefix", BYTES(LENGTH META DATA_SET), 0, 0, 8, "1.9", "1.2.4" },
		{ "no group length", BYTES("DICM" META DATA_SET), 128, 0, 8, "1.9",
		  "1.2.4" },
		{ "a wrong group length",
		  BYTES("DICM"
			"\2\0\0\0UL\4\0\4\0\0\0" META DATA_SET),
		  128, 0, 8, "1.9", "1.2.4" },
		{ "no data set", BYTES("DICM" LENGTH META), 128, 0, 0, "1.9", "1.2.4" },
		{ "a data set alone", BYTES(DATA_SET), 0, 0, 8, "", "" },
		{ "nothing", BYTES(""), 0, 0, 0, "", "" },
		{ "one byte", BYTES("\2"), 0, 0, 1, "", "" },
		{ "a deflated data set that begins alike",
		  BYTES("DICM" LENGTH META "\2\0\x99\x88\x77\x66\x55\x44"), 128, 0, 8,
		  "1.9", "1.2.4" },
		{ "no UID", BYTES("DICM\2\0\x10\0UI\4\0abcd" DATA_SET), 128, 0, 8, "",
		  "" },
		{ "broken off", BYTES("DICM" LENGTH VERSION "\2\0\2\0UI\6\0001.2"), 128,
		  -1, 0, "", "" },
		{ "broken off in a long head", BYTES("DICM\2\0\1\0OB\0\0\2\0"), 128, -1,
		  0, "", "" },
		{ "a length that leads outside",
		  BYTES("DICM\2\0\1\0OB\0\0\xff\xff\xff\xff\0\1" DATA_SET), 128, -1, 0,
		  "", "" },
		{ "implicit", BYTES("DICM\2\0\x10\0\4\0\0\0001.9\0"), 128, -1, 0, "",
		  "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t size = cases[i].preamble + cases[i].size;
		/* Of its own size, so that a sanitizer sees each byte too many. */
		uint8_t *bytes = calloc(1, size + (size == 0));
		struct part10 part10 = { .data_set_at = 4711 };
		memcpy(bytes + cases[i].preamble, cases[i].bytes, cases[i].size);
		int result = part10_read(bytes, size, &part10);
		if (result != cases[i].result)
			fail_msg("%s: %d", cases[i].name, result);
		if (result) {
			assert_int_equal(part10.data_set_at, 4711);
		} else {
			if (size - part10.data_set_at != cases[i].data_set_size)
				fail_msg("%s: at %zu", cases[i].name, part10.data_set_at);
			assert_string_equal(part10.transfer_syntax, cases[i].syntax);
			assert_string_equal(part10.sop_instance, cases[i].instance);
		}
		free(bytes);
	}
}

static void test_each_cut_is_harmless(void **state)
{
	(void)state;
	static const char whole[] = "DICM" LENGTH META DATA_SET;
	for (size_t size = 0; size < sizeof(whole); size++) {
		uint8_t *bytes = malloc(size + (size == 0));
		struct part10 part10;
		memcpy(bytes, whole, size);
		if (part10_read(bytes, size, &part10) == 0)
			assert_true(part10.data_set_at <= size);
		free(bytes);
	}
}

/* What is written can be read, and begins as the standard has it. */
static void test_written_heads_are_read(void **state)
{
	static const struct part10 wanted = { .sop_class = "1.2.840.10008.5.1.4.1.1.12.1",
					      .sop_instance = "1.2.3",
					      .transfer_syntax = "1.2.840.10008.1.2.1" };
	uint8_t bytes[PART10_WRITTEN_MAX + 4] = { 0 };
	struct part10 read, lacking = wanted, odd = wanted, longest = wanted;
	int size = part10_write(&wanted, bytes);
	(void)state;
	assert_true(size > 132 && size % 2 == 0);
	assert_memory_equal(bytes + 128, "DICM\2\0\0\0UL\4\0", 12);
	assert_int_equal(bytes[140] + 256 * bytes[141], size - 144);
	assert_int_equal(part10_read(bytes, (size_t)size, &read), 0);
	assert_int_equal(read.data_set_at, size);
	assert_string_equal(read.sop_class, wanted.sop_class);
	assert_string_equal(read.sop_instance, wanted.sop_instance);
	assert_string_equal(read.transfer_syntax, wanted.transfer_syntax);
	lacking.transfer_syntax[0] = '\0';
	assert_int_equal(part10_write(&lacking, bytes), -1);
	strcpy(odd.sop_instance, "../etc");
	assert_int_equal(part10_write(&odd, bytes), -1);
	memset(longest.sop_class, '1', 64);
	memset(longest.sop_instance, '2', 64);
	memset(longest.transfer_syntax, '3', 64);
	size = part10_write(&longest, bytes);
	assert_true(size > 0 && size <= PART10_WRITTEN_MAX);
	assert_int_equal(part10_read(bytes, (size_t)size, &read), 0);
	assert_string_equal(read.sop_instance, longest.sop_instance);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_each_cut_is_harmless),
		cmocka_unit_test(test_written_heads_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
