/* Goal: what a command set says is read right, what is wrong with it is told, and what is
 * none is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cathgate/dicom/command.h"

/* Elements, as they stand in the stream: tag, length, value. */
#define GROUP_LENGTH "\0\0\0\0\4\0\0\0\x62\0\0\0"
#define SOP_CLASS          \
	"\0\0\2\0\4\0\0\0" \
	"1.2\0"
#define STORE_RQ     "\0\0\0\1\2\0\0\0\1\0"
#define STORE_RSP    "\0\0\0\1\2\0\0\0\1\x80"
#define MESSAGE_7    "\0\0\x10\1\2\0\0\0\7\0"
#define RESPONDED_7  "\0\0\x20\1\2\0\0\0\7\0"
#define PRIORITY     "\0\0\0\7\2\0\0\0\0\0"
#define WITH_DATA    "\0\0\0\x08\2\0\0\0\0\0"
#define WITHOUT_DATA "\0\0\0\x08\2\0\0\0\1\1"
#define STATUS_B007  "\0\0\0\x09\2\0\0\0\7\xb0"
#define SOP_INSTANCE         \
	"\0\0\0\x10\6\0\0\0" \
	"1.2.3\0"
#define MOVER                  \
	"\0\0\x30\x10\6\0\0\0" \
	"MOVER "
#define MOVER_BLANK            \
	"\0\0\x30\x10\4\0\0\0" \
	"   \0"
#define MOVER_NO_AE            \
	"\0\0\x30\x10\4\0\0\0" \
	"A\\B "
#define MOVER_MESSAGE "\0\0\x31\x10\2\0\0\0\1\0"
#define MOVER_ZERO    "\0\0\x31\x10\2\0\0\0\0\0"
#define MOVER_NOTHING "\0\0\x31\x10\0\0\0\0"
#define UNKNOWN	      "\0\0\1\x50\3\0\0\0odd"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

static void test_a_store_request_is_read(void **state)
{
	(void)state;
	struct command_set set;
	const char *detail = NULL;

	assert_int_equal(
		command_parse(
			BYTES(GROUP_LENGTH SOP_CLASS STORE_RQ MESSAGE_7 PRIORITY WITH_DATA
				      SOP_INSTANCE MOVER MOVER_MESSAGE UNKNOWN),
			&set, &detail),
		0);
	assert_int_equal(set.field, COMMAND_C_STORE_RQ);
	assert_true(set.has_message_id);
	assert_int_equal(set.message_id, 7);
	assert_false(set.has_responded_to);
	assert_true(set.has_data_set);
	assert_false(set.has_status);
	assert_string_equal(set.sop_class, "1.2");
	assert_string_equal(set.sop_instance, "1.2.3");
	assert_true(set.has_move_originator);
	assert_string_equal(set.move_originator.text, "MOVER");
	assert_null(detail);
}

static void test_a_store_response_is_read(void **state)
{
	(void)state;
	struct command_set set;
	const char *detail;

	assert_int_equal(
		command_parse(BYTES(STORE_RSP RESPONDED_7 WITHOUT_DATA STATUS_B007), &set,
			      &detail),
		0);
	assert_int_equal(set.field, COMMAND_C_STORE_RSP);
	assert_false(set.has_message_id);
	assert_true(set.has_responded_to);
	assert_int_equal(set.responded_to, 7);
	assert_false(set.has_data_set);
	assert_true(set.has_status);
	assert_int_equal(set.status, 0xb007);
	assert_string_equal(set.sop_class, "");
	assert_string_equal(set.sop_instance, "");
	assert_false(set.has_move_originator);
}

static void test_move_originators(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const uint8_t *bytes;
		size_t size;
		bool has;
		const char *text;
	} cases[] = {
		{ "none", BYTES(STORE_RQ WITH_DATA), false, "" },
		{ "blank", BYTES(STORE_RQ WITH_DATA MOVER_BLANK), false, "" },
		{ "an AE title", BYTES(STORE_RQ WITH_DATA MOVER), true, "MOVER" },
		{ "no AE title", BYTES(STORE_RQ WITH_DATA MOVER_NO_AE), true, "" },
		{ "only an id", BYTES(STORE_RQ WITH_DATA MOVER_MESSAGE), true, "" },
		{ "an id of 0", BYTES(STORE_RQ WITH_DATA MOVER_ZERO), false, "" },
		{ "an AE title and an id of 0",
		  BYTES(STORE_RQ WITH_DATA MOVER MOVER_ZERO), true, "MOVER" },
		{ "an empty id", BYTES(STORE_RQ WITH_DATA MOVER_NOTHING), false, "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct command_set set;
		const char *detail;

		print_message("%s\n", cases[i].name);
		assert_int_equal(
			command_parse(cases[i].bytes, cases[i].size, &set, &detail), 0);
		assert_int_equal(set.has_move_originator, cases[i].has);
		assert_string_equal(set.move_originator.text, cases[i].text);
	}
}

#define DIGITS_10 "1234567890"
#define DIGITS_60 DIGITS_10 DIGITS_10 DIGITS_10 DIGITS_10 DIGITS_10 DIGITS_10
#define UID_64	  "\0\0\0\x10\x40\0\0\0" DIGITS_60 "1.23"
#define UID_65	  "\0\0\0\x10\x42\0\0\0" DIGITS_60 "1.234\0"

static void test_uids(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const uint8_t *bytes;
		size_t size;
		const char *uid; /* NULL: a fault */
	} cases[] = {
		{ "even",
		  BYTES("\0\0\0\x10\4\0\0\0"
			"1.23"),
		  "1.23" },
		{ "a NUL",
		  BYTES("\0\0\0\x10\4\0\0\0"
			"1.2\0"),
		  "1.2" },
		{ "a space",
		  BYTES("\0\0\0\x10\4\0\0\0"
			"1.2 "),
		  "1.2" },
		{ "odd",
		  BYTES("\0\0\0\x10\3\0\0\0"
			"1.2"),
		  "1.2" },
		{ "empty", BYTES("\0\0\0\x10\0\0\0\0"), "" },
		{ "64 characters", BYTES(UID_64), DIGITS_60 "1.23" },
		{ "65 characters", BYTES(UID_65), NULL },
		{ "a letter",
		  BYTES("\0\0\0\x10\4\0\0\0"
			"1.2a"),
		  NULL },
		{ "a NUL within",
		  BYTES("\0\0\0\x10\4\0\0\0"
			"1\0.2"),
		  NULL },
		{ "a space before",
		  BYTES("\0\0\0\x10\4\0\0\0"
			" 1.2"),
		  NULL },
		{ "two",
		  BYTES("\0\0\0\x10\4\0\0\0"
			"1\\.2"),
		  NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t bytes[128];
		size_t size = sizeof(STORE_RQ WITH_DATA) - 1;
		struct command_set set;
		const char *detail;

		memcpy(bytes, STORE_RQ WITH_DATA, size);
		memcpy(bytes + size, cases[i].bytes, cases[i].size);
		print_message("%s\n", cases[i].name);
		assert_int_equal(
			command_parse(bytes, size + cases[i].size, &set, &detail), 0);
		assert_int_equal(set.fault == NULL, cases[i].uid != NULL);
		assert_string_equal(set.sop_instance,
				    cases[i].uid != NULL ? cases[i].uid : "");
	}
}

static void test_what_is_no_command_set_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const uint8_t *bytes;
		size_t size;
		const char *detail; /* a part of it */
	} cases[] = {
		{ "nothing", BYTES(""), "no command field" },
		{ "no field", BYTES(MESSAGE_7 WITH_DATA), "no command field" },
		{ "an empty field", BYTES("\0\0\0\1\0\0\0\0" WITH_DATA), "2 bytes" },
		{ "cut before the field", BYTES(SOP_CLASS "\0\0\0\1\2\0\0"), "cut off" },
		{ "led outside before the field",
		  BYTES("\0\0\2\0\xff\xff\xff\xff" STORE_RQ WITH_DATA), "longer" },
		{ "another group before the field",
		  BYTES("\x08\0\x05\0\2\0\0\0AB" STORE_RQ WITH_DATA), "another group" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct command_set set, before;
		const char *detail = "";

		memset(&set, 0x5a, sizeof(set));
		before = set;
		print_message("%s\n", cases[i].name);
		assert_int_equal(
			command_parse(cases[i].bytes, cases[i].size, &set, &detail), -1);
		assert_non_null(strstr(detail, cases[i].detail));
		assert_memory_equal(&set, &before, sizeof(set));
	}
}

static void test_a_fault_is_told_of_a_command_that_can_be_told(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const uint8_t *bytes;
		size_t size;
		const char *fault; /* a part of it; NULL: none */
	} cases[] = {
		{ "good", BYTES(STORE_RQ MESSAGE_7 WITH_DATA), NULL },
		{ "out of order", BYTES(WITH_DATA MESSAGE_7 STORE_RQ), NULL },
		{ "unknown ones twice",
		  BYTES(STORE_RQ MESSAGE_7 WITH_DATA UNKNOWN UNKNOWN), NULL },
		{ "no data set type", BYTES(STORE_RQ MESSAGE_7), "no data set type" },
		{ "an empty type", BYTES(STORE_RQ MESSAGE_7 "\0\0\0\x08\0\0\0\0"),
		  "2 bytes" },
		{ "a long field", BYTES("\0\0\0\1\4\0\0\0\1\0\0\0" MESSAGE_7 WITH_DATA),
		  "2 bytes" },
		{ "a long message id",
		  BYTES(STORE_RQ "\0\0\x10\1\4\0\0\0\7\0\0\0" WITH_DATA), "2 bytes" },
		{ "a short message id", BYTES(STORE_RQ "\0\0\x10\1\1\0\0\0\7" WITH_DATA),
		  "2 bytes" },
		{ "twice", BYTES(STORE_RQ MESSAGE_7 "\0\0\x10\1\2\0\0\0\x8\0" WITH_DATA),
		  "twice" },
		{ "cut in a head", BYTES(STORE_RQ MESSAGE_7 WITH_DATA "\0\0\0\x09\2"),
		  "cut off" },
		{ "cut in a value", BYTES(STORE_RQ MESSAGE_7 "\0\0\0\x08\2\0\0\0\0"),
		  "longer" },
		{ "undefined length",
		  BYTES(STORE_RQ MESSAGE_7 "\0\0\0\x09\xff\xff\xff\xff"), "longer" },
		{ "group 0008",
		  BYTES(STORE_RQ MESSAGE_7 "\x08\0\x05\0\2\0\0\0AB" WITH_DATA),
		  "another group" },
		{ "the first of two", BYTES(STORE_RQ MESSAGE_7 STORE_RQ "\0\0"),
		  "twice" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct command_set set;
		const char *detail;

		print_message("%s\n", cases[i].name);
		assert_int_equal(
			command_parse(cases[i].bytes, cases[i].size, &set, &detail), 0);
		assert_int_equal(set.field, COMMAND_C_STORE_RQ);
		assert_true(set.has_message_id);
		assert_int_equal(set.message_id, 7);
		if (cases[i].fault == NULL)
			assert_null(set.fault);
		else
			assert_non_null(strstr(set.fault, cases[i].fault));
		assert_false(set.has_data_set && !set.has_data_set_type);
	}
}

static void test_a_response_needs_no_data_set_type(void **state)
{
	struct command_set set;
	const char *detail;

	(void)state;
	assert_int_equal(
		command_parse(BYTES(STATUS_B007 RESPONDED_7 STORE_RSP), &set, &detail),
		0);
	assert_null(set.fault);
	assert_false(set.has_data_set);
	assert_int_equal(set.status, 0xb007);
	assert_int_equal(command_parse(BYTES(STORE_RSP RESPONDED_7 STATUS_B007
					     "\0\0\0\x09\2\0\0\0\0\0"),
				       &set, &detail),
			 0);
	assert_non_null(set.fault);
}

static void test_a_command_set_over_64_kib_is_refused(void **state)
{
	(void)state;
	static const uint8_t head[] = STORE_RQ WITH_DATA "\0\0\1\x50\xe4\xff\0\0";
	static uint8_t bytes[COMMAND_SET_MAX + 1];
	struct command_set set;
	const char *detail;

	memcpy(bytes, head, sizeof(head) - 1);
	assert_int_equal(command_parse(bytes, COMMAND_SET_MAX, &set, &detail), 0);
	bytes[sizeof(head) - 5]++;
	assert_int_equal(command_parse(bytes, COMMAND_SET_MAX + 1, &set, &detail), -1);
	assert_non_null(strstr(detail, "too long"));
}

static void test_a_response_is_laid_out_as_the_standard_says(void **state)
{
	(void)state;
	static const uint8_t expected[] =
		"\0\0\0\0\4\0\0\0\x4e\0\0\0" SOP_CLASS STORE_RSP RESPONDED_7 WITHOUT_DATA
		"\0\0\0\x09\2\0\0\0\x24\1"
		"\0\0\2\x09\4\0\0\0"
		"no! " SOP_INSTANCE;
	struct command_set request = {
		.field = COMMAND_C_STORE_RQ,
		.has_message_id = true,
		.message_id = 7,
		.has_data_set = true,
		.sop_class = "1.2",
		.sop_instance = "1.2.3",
	};
	uint8_t bytes[COMMAND_RESPONSE_MAX];
	size_t size = command_response(&request, STATUS_NOT_AUTHORISED, "no!", bytes);

	assert_int_equal(size, sizeof(expected) - 1);
	assert_memory_equal(bytes, expected, size);
}

static void test_a_response_holds_only_what_the_request_had(void **state)
{
	(void)state;
	struct command_set request = { .field = COMMAND_C_ECHO_RQ }, response;
	uint8_t bytes[COMMAND_RESPONSE_MAX];
	const char *detail;
	size_t size = command_response(&request, STATUS_SUCCESS, NULL, bytes);

	assert_int_equal(command_parse(bytes, size, &response, &detail), 0);
	assert_int_equal(response.field, COMMAND_C_ECHO_RSP);
	assert_false(response.has_responded_to);
	assert_false(response.has_data_set);
	assert_true(response.has_status);
	assert_int_equal(size, 12 + 3 * 10);
}

static void test_the_longest_response_fits(void **state)
{
	(void)state;
	struct command_set request = { .field = COMMAND_C_STORE_RQ,
				       .has_message_id = true },
			   response;
	char comment[201];
	uint8_t bytes[COMMAND_RESPONSE_MAX];
	const char *detail;

	memset(request.sop_class, '1', COMMAND_UID_MAX);
	memset(request.sop_instance, '2', COMMAND_UID_MAX);
	memset(comment, 'c', sizeof(comment) - 1);
	comment[sizeof(comment) - 1] = '\0';

	size_t size = command_response(&request, STATUS_OUT_OF_RESOURCES, comment, bytes);

	assert_int_equal(size, 12 + 4 * 10 + 3 * (8 + 64));
	assert_int_equal(command_parse(bytes, size, &response, &detail), 0);
	assert_string_equal(response.sop_class, request.sop_class);
	assert_string_equal(response.sop_instance, request.sop_instance);
	assert_int_equal(response.status, STATUS_OUT_OF_RESOURCES);
}

static void test_statuses(void **state)
{
	(void)state;
	static const struct {
		uint16_t status;
		bool stored, final;
	} cases[] = {
		{ 0x0000, true, true },	  { 0x0001, true, true },
		{ 0x0107, true, true },	  { 0x0116, true, true },
		{ 0xb000, true, true },	  { 0xb007, true, true },
		{ 0xbfff, true, true },	  { 0x0117, false, true },
		{ 0x0124, false, true },  { 0x0211, false, true },
		{ 0xa700, false, true },  { 0xa900, false, true },
		{ 0xc000, false, true },  { 0xfe00, false, true },
		{ 0xff00, false, false }, { 0xff01, false, false },
		{ 0xff02, false, false }, { 0xffff, false, false },
		{ 0x0002, false, true },  { 0x0106, false, true },
		{ 0x0110, false, true },  { 0xc116, false, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("%04X\n", cases[i].status);
		assert_int_equal(command_status_stored(cases[i].status), cases[i].stored);
		assert_int_equal(command_status_final(cases[i].status), cases[i].final);
	}
}

static void test_an_echo_request_is_whole(void **state)
{
	uint8_t bytes[COMMAND_ECHO_MAX];
	struct command_set read;
	const char *detail;
	size_t size = command_echo(7, bytes);

	(void)state;
	assert_int_equal(command_parse(bytes, size, &read, &detail), 0);
	assert_int_equal(read.field, COMMAND_C_ECHO_RQ);
	assert_true(read.has_message_id);
	assert_int_equal(read.message_id, 7);
	assert_false(read.has_data_set);
	assert_false(read.has_status);
	assert_string_equal(read.sop_class, "1.2.840.10008.1.1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_store_request_is_read),
		cmocka_unit_test(test_a_store_response_is_read),
		cmocka_unit_test(test_move_originators),
		cmocka_unit_test(test_uids),
		cmocka_unit_test(test_what_is_no_command_set_is_refused),
		cmocka_unit_test(test_a_fault_is_told_of_a_command_that_can_be_told),
		cmocka_unit_test(test_a_response_needs_no_data_set_type),
		cmocka_unit_test(test_a_command_set_over_64_kib_is_refused),
		cmocka_unit_test(test_a_response_is_laid_out_as_the_standard_says),
		cmocka_unit_test(test_a_response_holds_only_what_the_request_had),
		cmocka_unit_test(test_the_longest_response_fits),
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_an_echo_request_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
