/* Goal: an alert that no pipe has room for is refused, and says why. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "observer/alert_command.h"

#define TOO_LONG (4L * 1024 * 1024)

static void one_that_is_too_long_is_refused(void **state)
{
	const char *words[] = { "/bin/true" };
	const struct config_strings command = { .items = words, .count = 1 };
	struct alert_command run = { .words = &command, .process = -1, .output = -1 };
	char *text = malloc(TOO_LONG);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', TOO_LONG - 1);
	text[TOO_LONG - 1] = '\0';
	errno = 0;
	assert_int_equal(alert_command_start(&run, text), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(run.pid, 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_is_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
