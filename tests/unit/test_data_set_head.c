/* Goal: Patient ID and Study Instance UID are found at the head of a data set, whatever
 * its encoding; where they cannot be found nothing goes wrong, and nothing is guessed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#define ZLIB_CONST
#include <zlib.h>

#include "cathgate/dicom/data_set_head.h"

#define IMPLICIT      "1.2.840.10008.1.2"
#define EXPLICIT      "1.2.840.10008.1.2.1"
#define BIG	      "1.2.840.10008.1.2.2"
#define DEFLATED      "1.2.840.10008.1.2.1.99"
#define JPIP_DEFLATED "1.2.840.10008.1.2.4.95"
#define JPEG	      "1.2.840.10008.1.2.4.70"
#define PRIVATE	      "1.2.840.113619.5.2.1"

/* Explicit VR little endian */
#define CLASS          \
	"\x08\0\x16\0" \
	"UI\4\0"       \
	"1.6\0"
#define INSTANCE       \
	"\x08\0\x18\0" \
	"UI\4\0"       \
	"1.8\0"
#define MODALITY       \
	"\x08\0\x60\0" \
	"CS\2\0XA"
#define NAME           \
	"\x10\0\x10\0" \
	"PN\4\0A^B "
#define PATIENT        \
	"\x10\0\x20\0" \
	"LO\6\0ID-17 "
#define STUDY          \
	"\x20\0\x0d\0" \
	"UI\6\0"       \
	"1.2.3\0"
#define SERIES         \
	"\x20\0\x0e\0" \
	"UI\6\0"       \
	"1.2.4\0"
#define UNDEFINED "\xff\xff\xff\xff"
#define SQ               \
	"\x08\0\x40\x11" \
	"SQ\0\0"
#define UN               \
	"\x09\0\x01\x10" \
	"UN\0\0"
#define ITEM	     "\xfe\xff\0\xe0"
#define ITEM_END     "\xfe\xff\x0d\xe0\0\0\0\0"
#define SEQUENCE_END "\xfe\xff\xdd\xe0\0\0\0\0"
#define FALSE_ID       \
	"\x10\0\x20\0" \
	"LO\2\0NO"

/* Implicit VR little endian */
#define I_INSTANCE             \
	"\x08\0\x18\0\4\0\0\0" \
	"1.8\0"
#define I_MODALITY "\x08\0\x60\0\2\0\0\0XA"
#define I_SQ	   "\x08\0\x40\x11"
#define I_PATIENT  "\x10\0\x20\0\6\0\0\0ID-17 "
#define I_STUDY                \
	"\x20\0\x0d\0\6\0\0\0" \
	"1.2.3\0"
#define I_FALSE_ID "\x10\0\x20\0\2\0\0\0NO"

/* Explicit VR big endian */
#define B_INSTANCE     \
	"\0\x08\0\x18" \
	"UI\0\4"       \
	"1.8\0"
#define B_SQ             \
	"\0\x08\x11\x40" \
	"SQ\0\0"
#define B_ITEM	       "\xff\xfe\xe0\0"
#define B_ITEM_END     "\xff\xfe\xe0\x0d\0\0\0\0"
#define B_SEQUENCE_END "\xff\xfe\xe0\xdd\0\0\0\0"
#define B_PATIENT      \
	"\0\x10\0\x20" \
	"LO\0\6ID-17 "
#define B_STUDY        \
	"\0\x20\0\x0d" \
	"UI\0\6"       \
	"1.2.3\0"
#define B_FALSE_ID     \
	"\0\x10\0\x20" \
	"LO\0\2NO"

#define DIGITS_10 "1234567890"
#define DIGITS_60 DIGITS_10 DIGITS_10 DIGITS_10 DIGITS_10 DIGITS_10 DIGITS_10

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

struct sample {
	const char *name, *syntax;
	const uint8_t *bytes;
	size_t size;
	const char *patient_id, *study;
};

/* On the heap and to the byte, so that a sanitizer sees each read outside. */
static void look(const uint8_t *bytes, size_t size, const char *syntax,
		 struct data_set_head *ret)
{
	uint8_t *copy = malloc(size + 1);

	assert_non_null(copy);
	memcpy(copy + 1, bytes, size);
	memset(ret, 0x5a, sizeof(*ret));
	data_set_head_read(copy + 1, size, syntax, ret);
	free(copy);
}

static void look_at_all(const struct sample *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct data_set_head head;

		print_message("%s\n", samples[i].name);
		look(samples[i].bytes, samples[i].size, samples[i].syntax, &head);
		assert_string_equal(head.patient_id, samples[i].patient_id);
		assert_string_equal(head.study, samples[i].study);
	}
}

static void test_both_are_found_in_each_encoding(void **state)
{
	(void)state;
	static const struct sample samples[] = {
		{ "implicit", IMPLICIT, BYTES(I_MODALITY I_PATIENT I_STUDY), "ID-17",
		  "1.2.3" },
		{ "explicit", EXPLICIT, BYTES(MODALITY NAME PATIENT STUDY SERIES),
		  "ID-17", "1.2.3" },
		{ "big endian", BIG, BYTES(B_PATIENT B_STUDY), "ID-17", "1.2.3" },
		{ "compressed", JPEG, BYTES(MODALITY PATIENT STUDY), "ID-17", "1.2.3" },
		{ "private", PRIVATE, BYTES(MODALITY PATIENT STUDY), "ID-17", "1.2.3" },
		{ "only a study", EXPLICIT, BYTES(MODALITY STUDY), "", "1.2.3" },
		{ "UN values", EXPLICIT,
		  BYTES("\x10\0\x20\0"
			"UN\0\0\4\0\0\0ID-1"
			"\x20\0\x0d\0"
			"UN\0\0\4\0\0\0"
			"1.2\0"),
		  "ID-1", "1.2" },
		{ "a VR to come", EXPLICIT,
		  BYTES("\x08\0\x61\0"
			"ZZ\0\0\2\0\0\0AB" PATIENT STUDY),
		  "ID-17", "1.2.3" },
		{ "an odd length", EXPLICIT,
		  BYTES("\x08\0\x61\0"
			"LO\1\0A" PATIENT STUDY),
		  "ID-17", "1.2.3" },
	};

	look_at_all(samples, sizeof(samples) / sizeof(*samples));
}

static void test_sequences_are_stepped_over(void **state)
{
	(void)state;
	static const struct sample samples[] = {
		{ "empty", EXPLICIT, BYTES(SQ "\0\0\0\0" PATIENT STUDY), "ID-17",
		  "1.2.3" },
		{ "of defined length", EXPLICIT,
		  BYTES(SQ "\x12\0\0\0" ITEM "\x0a\0\0\0" FALSE_ID PATIENT STUDY),
		  "ID-17", "1.2.3" },
		{ "of undefined length", EXPLICIT,
		  BYTES(SQ UNDEFINED ITEM "\x0a\0\0\0" FALSE_ID ITEM UNDEFINED FALSE_ID
				ITEM_END SEQUENCE_END PATIENT STUDY),
		  "ID-17", "1.2.3" },
		{ "nested", EXPLICIT,
		  BYTES(SQ UNDEFINED ITEM UNDEFINED SQ UNDEFINED ITEM UNDEFINED FALSE_ID
				ITEM_END SEQUENCE_END FALSE_ID ITEM_END SEQUENCE_END
					PATIENT STUDY),
		  "ID-17", "1.2.3" },
		{ "implicit", IMPLICIT,
		  BYTES(I_SQ UNDEFINED ITEM UNDEFINED I_FALSE_ID ITEM_END SEQUENCE_END
				I_PATIENT I_STUDY),
		  "ID-17", "1.2.3" },
		{ "big endian", BIG,
		  BYTES(B_SQ UNDEFINED B_ITEM UNDEFINED B_FALSE_ID B_ITEM_END
				B_SEQUENCE_END B_PATIENT B_STUDY),
		  "ID-17", "1.2.3" },
		{ "UN is implicit inside", EXPLICIT,
		  BYTES(UN UNDEFINED ITEM UNDEFINED I_FALSE_ID ITEM_END SEQUENCE_END
				PATIENT STUDY),
		  "ID-17", "1.2.3" },
		{ "UN is little endian inside", BIG,
		  BYTES("\0\x09\x10\x01"
			"UN\0\0" UNDEFINED ITEM UNDEFINED I_FALSE_ID ITEM_END SEQUENCE_END
				B_PATIENT B_STUDY),
		  "ID-17", "1.2.3" },
		{ "fragments", EXPLICIT,
		  BYTES("\x09\0\x02\x10"
			"OB\0\0" UNDEFINED ITEM "\0\0\0\0" ITEM
			"\4\0\0\0\1\2\3\4" SEQUENCE_END PATIENT STUDY),
		  "ID-17", "1.2.3" },
		{ "without an end", EXPLICIT, BYTES(SQ UNDEFINED ITEM UNDEFINED FALSE_ID),
		  "", "" },
	};

	look_at_all(samples, sizeof(samples) / sizeof(*samples));
}

static void test_values(void **state)
{
	(void)state;
	static const struct sample samples[] = {
		{ "an empty id", EXPLICIT,
		  BYTES("\x10\0\x20\0"
			"LO\0\0" STUDY),
		  "", "1.2.3" },
		{ "a blank id", EXPLICIT,
		  BYTES("\x10\0\x20\0"
			"LO\4\0   \0" STUDY),
		  "", "1.2.3" },
		{ "padded on both sides", EXPLICIT,
		  BYTES("\x10\0\x20\0"
			"LO\6\0 A B \0" STUDY),
		  "A B", "1.2.3" },
		{ "another character set", EXPLICIT,
		  BYTES("\x10\0\x20\0"
			"LO\6\0\xe3\x81\x82\x1b$B" STUDY),
		  "\xe3\x81\x82\x1b$B", "1.2.3" },
		{ "a NUL within", EXPLICIT,
		  BYTES("\x10\0\x20\0"
			"LO\4\0A\0BC" STUDY),
		  "", "1.2.3" },
		{ "no UID", EXPLICIT,
		  BYTES(PATIENT "\x20\0\x0d\0"
				"UI\4\0"
				"1.2a"),
		  "ID-17", "" },
		{ "64 characters", EXPLICIT,
		  BYTES("\x20\0\x0d\0"
			"UI\x40\0" DIGITS_60 "1.23"),
		  "", DIGITS_60 "1.23" },
		{ "65 characters", EXPLICIT,
		  BYTES("\x20\0\x0d\0"
			"UI\x42\0" DIGITS_60 "1.234\0"),
		  "", "" },
	};

	look_at_all(samples, sizeof(samples) / sizeof(*samples));
}

static void test_the_longest_id_is_taken_whole_or_not_at_all(void **state)
{
	(void)state;
	static const uint8_t head[] = "\x10\0\x20\0"
				      "LO\0\1";
	uint8_t bytes[8 + DATA_SET_HEAD_PATIENT_MAX + 2];
	struct data_set_head found;

	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, head, 8);
	look(bytes, sizeof(bytes) - 2, EXPLICIT, &found);
	assert_int_equal(strlen(found.patient_id), DATA_SET_HEAD_PATIENT_MAX);
	bytes[6] = 2;
	look(bytes, sizeof(bytes), EXPLICIT, &found);
	assert_string_equal(found.patient_id, "");
}

static void test_it_stops_where_it_should(void **state)
{
	(void)state;
	static const struct sample samples[] = {
		{ "nothing", EXPLICIT, BYTES(""), "", "" },
		{ "when all are found", EXPLICIT,
		  BYTES(CLASS INSTANCE PATIENT STUDY "cut"), "ID-17", "1.2.3" },
		{ "an end without a beginning", EXPLICIT, BYTES(SEQUENCE_END STUDY), "",
		  "" },
		{ "an id of undefined length", EXPLICIT,
		  BYTES("\x10\0\x20\0"
			"UN\0\0" UNDEFINED SEQUENCE_END STUDY),
		  "", "1.2.3" },
		{ "a length that leads outside", EXPLICIT,
		  BYTES("\x10\0\x20\0"
			"LO\7\0ID-17 "),
		  "", "" },
		{ "no VR", EXPLICIT, BYTES(I_MODALITY I_PATIENT I_STUDY), "", "" },
	};

	look_at_all(samples, sizeof(samples) / sizeof(*samples));
}

/* In each encoding, with one element that is absent or can't be read. */
static void test_none_needs_another(void **state)
{
	(void)state;
	static const struct {
		const char *name, *syntax;
		const uint8_t *bytes;
		size_t size;
		const char *sop_class, *sop_instance, *patient_id, *study;
	} samples[] = {
		{ "all", EXPLICIT, BYTES(CLASS INSTANCE PATIENT STUDY), "1.6", "1.8",
		  "ID-17", "1.2.3" },
		{ "no class", EXPLICIT, BYTES(INSTANCE PATIENT STUDY), "", "1.8", "ID-17",
		  "1.2.3" },
		{ "no class, implicit", IMPLICIT, BYTES(I_INSTANCE I_PATIENT I_STUDY), "",
		  "1.8", "ID-17", "1.2.3" },
		{ "no class, big endian", BIG, BYTES(B_INSTANCE B_PATIENT B_STUDY), "",
		  "1.8", "ID-17", "1.2.3" },
		{ "a class of letters", EXPLICIT,
		  BYTES("\x08\0\x16\0UI\4\0abc\0" INSTANCE PATIENT STUDY), "", "1.8",
		  "ID-17", "1.2.3" },
		{ "a class of letters, implicit", IMPLICIT,
		  BYTES("\x08\0\x16\0\4\0\0\0abc\0" I_INSTANCE I_PATIENT I_STUDY), "",
		  "1.8", "ID-17", "1.2.3" },
		{ "a class of letters, big endian", BIG,
		  BYTES("\0\x08\0\x16UI\0\4abc\0" B_INSTANCE B_PATIENT B_STUDY), "",
		  "1.8", "ID-17", "1.2.3" },
		{ "an empty class", EXPLICIT,
		  BYTES("\x08\0\x16\0UI\0\0" INSTANCE PATIENT STUDY), "", "1.8", "ID-17",
		  "1.2.3" },
		{ "a class without VR", EXPLICIT,
		  BYTES("\x08\0\x16\0??\4\0"
			"1.6\0" INSTANCE PATIENT STUDY),
		  "1.6", "1.8", "ID-17", "1.2.3" },
		{ "a class of undefined length", EXPLICIT,
		  BYTES("\x08\0\x16\0UN\0\0" UNDEFINED SEQUENCE_END INSTANCE PATIENT
				STUDY),
		  "", "1.8", "ID-17", "1.2.3" },
		{ "only a class", EXPLICIT, BYTES(CLASS), "1.6", "", "", "" },
		{ "no instance", EXPLICIT, BYTES(CLASS PATIENT STUDY), "1.6", "", "ID-17",
		  "1.2.3" },
		{ "an instance of letters", EXPLICIT,
		  BYTES(CLASS "\x08\0\x18\0UI\4\0abc\0" PATIENT STUDY), "1.6", "",
		  "ID-17", "1.2.3" },
		{ "no patient", EXPLICIT, BYTES(CLASS INSTANCE STUDY SERIES), "1.6",
		  "1.8", "", "1.2.3" },
		{ "backwards", EXPLICIT, BYTES(SERIES STUDY PATIENT INSTANCE CLASS),
		  "1.6", "1.8", "ID-17", "1.2.3" },
		{ "backwards, implicit", IMPLICIT, BYTES(I_STUDY I_PATIENT I_INSTANCE),
		  "", "1.8", "ID-17", "1.2.3" },
		{ "twice", EXPLICIT, BYTES(PATIENT FALSE_ID STUDY), "", "", "ID-17",
		  "1.2.3" },
	};

	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		struct data_set_head head;

		print_message("%s\n", samples[i].name);
		look(samples[i].bytes, samples[i].size, samples[i].syntax, &head);
		assert_string_equal(head.sop_class, samples[i].sop_class);
		assert_string_equal(head.sop_instance, samples[i].sop_instance);
		assert_string_equal(head.patient_id, samples[i].patient_id);
		assert_string_equal(head.study, samples[i].study);
	}
}

static void test_each_cut_is_harmless(void **state)
{
	(void)state;
	static const uint8_t bytes[] =
		MODALITY SQ UNDEFINED ITEM UNDEFINED FALSE_ID ITEM_END SEQUENCE_END UN
		"\2\0\0\0AB" PATIENT STUDY;
	static const char *const syntaxes[] = { IMPLICIT, EXPLICIT, BIG, DEFLATED };

	for (size_t size = 0; size < sizeof(bytes) - 1; size++) {
		for (size_t i = 0; i < sizeof(syntaxes) / sizeof(*syntaxes); i++) {
			struct data_set_head head;

			look(bytes, size, syntaxes[i], &head);
			assert_string_equal(head.study, "");
		}
	}
}

static void test_nesting_has_an_end(void **state)
{
	(void)state;
	static uint8_t bytes[DATA_SET_HEAD_MAX];
	struct data_set_head head;

	for (size_t i = 0; i + 8 <= sizeof(bytes); i += 8)
		memcpy(bytes + i, I_SQ UNDEFINED, 8);
	look(bytes, sizeof(bytes), IMPLICIT, &head);
	assert_string_equal(head.study, "");
}

static void test_only_the_first_64_kib_are_looked_at(void **state)
{
	(void)state;
	static const uint8_t filler[] = "\x08\0\x61\0"
					"OB\0\0\xec\xff\0\0";
	static uint8_t bytes[DATA_SET_HEAD_MAX + 64];
	const size_t behind = 12 + 0xffec;
	struct data_set_head head;

	memcpy(bytes, filler, 12);
	memcpy(bytes + behind, STUDY, sizeof(STUDY) - 1);
	look(bytes, sizeof(bytes), EXPLICIT, &head);
	assert_string_equal(head.study, "");
	bytes[8] -= 8;
	memcpy(bytes + behind - 8, STUDY, sizeof(STUDY) - 1);
	look(bytes, sizeof(bytes), EXPLICIT, &head);
	assert_string_equal(head.study, "1.2.3");
}

static size_t deflate_raw(const uint8_t *bytes, size_t size, uint8_t *ret, size_t max)
{
	z_stream stream = { .next_in = bytes,
			    .avail_in = (uInt)size,
			    .next_out = ret,
			    .avail_out = (uInt)max };

	assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY),
			 Z_OK);
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(deflateEnd(&stream), Z_OK);
	return max - stream.avail_out;
}

static void test_deflated(void **state)
{
	(void)state;
	static uint8_t plain[1024 * 1024] = MODALITY PATIENT STUDY SERIES;
	static uint8_t deflated[64 * 1024];
	struct data_set_head head;
	size_t size = deflate_raw(plain, sizeof(plain), deflated, sizeof(deflated));

	look(deflated, size, DEFLATED, &head);
	assert_string_equal(head.patient_id, "ID-17");
	assert_string_equal(head.study, "1.2.3");
	look(deflated, size / 2, JPIP_DEFLATED, &head);
	assert_string_equal(head.study, "1.2.3");
	look(deflated, 10, DEFLATED, &head);
	assert_string_equal(head.study, "");
	look(BYTES(MODALITY PATIENT STUDY), DEFLATED, &head);
	assert_string_equal(head.study, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_are_found_in_each_encoding),
		cmocka_unit_test(test_sequences_are_stepped_over),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_the_longest_id_is_taken_whole_or_not_at_all),
		cmocka_unit_test(test_it_stops_where_it_should),
		cmocka_unit_test(test_none_needs_another),
		cmocka_unit_test(test_each_cut_is_harmless),
		cmocka_unit_test(test_nesting_has_an_end),
		cmocka_unit_test(test_only_the_first_64_kib_are_looked_at),
		cmocka_unit_test(test_deflated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
