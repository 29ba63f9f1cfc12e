/*
 * Goal: each reason has a word of its own, found again by it, with a cause and a cure;
 * and what is none has neither.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "cathgate/base/reason.h"

static void each_reason_is_found_by_its_word(void **state)
{
	(void)state;
	for (int i = 1; i < REASON_COUNT; i++) {
		enum reason reason = (enum reason)i;
		const struct reason_help *help = reason_help(reason);

		assert_non_null(reason_name(reason));
		assert_int_equal(reason_of_name(reason_name(reason)), reason);
		assert_non_null(help);
		assert_true(strlen(help->cause) > 0 && strlen(help->cure) > 0);
	}
}

static void what_is_none_has_nothing(void **state)
{
	(void)state;
	assert_null(reason_name(REASON_NONE));
	assert_null(reason_help(REASON_NONE));
	assert_null(reason_help(REASON_COUNT));
	assert_int_equal(reason_of_name(""), REASON_NONE);
	assert_int_equal(reason_of_name("AE-UNKNOWN"), REASON_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_reason_is_found_by_its_word),
		cmocka_unit_test(what_is_none_has_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
