/*
 * Goal: times are read as people write them, also on the days on which clocks change, and
 * nothing else is taken for one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cli/kit/moment.h"

static const char *now;

time_t __real_time(time_t *ret);
time_t __wrap_time(time_t *ret);

time_t __wrap_time(time_t *ret)
{
	int64_t moment;

	if (!now)
		return __real_time(ret);
	assert_int_equal(moment_parse(now, true, MOMENT_START, &moment), 0);
	return (time_t)(moment / 1000000);
}

static void test_what_is_read(void **state)
{
	/* Berlin's clocks go from 2 to 3 on 2026-03-29, and from 3 to 2 on 2026-10-25. */
	static const struct {
		const char *now, *text, *start, *end; /* NULL: as `start` */
		bool utc;
	} cases[] = {
		{ "2026-01-31T12:00:07Z", "now", "2026-01-31T12:00:07.000000Z", NULL,
		  false },
		{ "2026-01-31T12:00:07Z", "today", "2026-01-30T23:00:00.000000Z",
		  "2026-01-31T23:00:00.000000Z", false },
		{ "2026-01-31T12:00:07Z", "today", "2026-01-31T00:00:00.000000Z",
		  "2026-02-01T00:00:00.000000Z", true },
		{ "2026-01-31T23:30:00Z", "today", "2026-01-31T23:00:00.000000Z",
		  "2026-02-01T23:00:00.000000Z", false },
		{ "2026-03-01T12:00:00Z", "yesterday", "2026-02-27T23:00:00.000000Z",
		  "2026-02-28T23:00:00.000000Z", false },
		{ "2026-03-29T22:30:00Z", "yesterday", "2026-03-28T23:00:00.000000Z",
		  "2026-03-29T22:00:00.000000Z", false },
		{ "2026-10-26T00:30:00Z", "yesterday", "2026-10-24T22:00:00.000000Z",
		  "2026-10-25T23:00:00.000000Z", false },
		{ "2026-01-31T12:00:00Z", "-90s", "2026-01-31T11:58:30.000000Z", NULL,
		  false },
		{ "2026-01-31T12:00:00Z", "-30min", "2026-01-31T11:30:00.000000Z", NULL,
		  false },
		{ "2026-01-31T12:00:00Z", "-36h", "2026-01-30T00:00:00.000000Z", NULL,
		  false },
		{ "2026-01-31T12:00:00Z", "-7d", "2026-01-24T12:00:00.000000Z", NULL,
		  true },
		{ "2026-01-31T12:00:00Z", "-2w", "2026-01-17T12:00:00.000000Z", NULL,
		  false },
		{ "2026-01-31T12:00:00Z", "3 days ago", "2026-01-28T12:00:00.000000Z",
		  NULL, false },
		{ "2026-01-31T12:00:00Z", "1 hour ago", "2026-01-31T11:00:00.000000Z",
		  NULL, false },
		{ "2026-01-31T12:00:00Z", "2026-01-05", "2026-01-04T23:00:00.000000Z",
		  "2026-01-05T23:00:00.000000Z", false },
	};
	char text[MOMENT_SIZE];
	int64_t moment;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *end = cases[i].end ? cases[i].end : cases[i].start;

		now = cases[i].now;
		assert_int_equal(
			moment_read(cases[i].text, cases[i].utc, MOMENT_START, &moment),
			0);
		moment_write(moment, text);
		assert_string_equal(text, cases[i].start);
		assert_int_equal(
			moment_read(cases[i].text, cases[i].utc, MOMENT_END, &moment), 0);
		moment_write(moment, text);
		assert_string_equal(text, end);
	}
}

static void test_what_is_none(void **state)
{
	static const char *const cases[] = {
		"",
		"tomorrow",
		"Yesterday",
		"now ",
		"7d",
		"7 days",
		"-7",
		"-7x",
		"- 7d",
		"-7d ago",
		"-7d x",
		"7 days agox",
		"7 days ago x",
		"--7d",
		"+7d",
		"-1000000000d",
		"7 dayss ago",
		"ago",
		"-99999999999999999999d",
		"2026-02-30",
	};
	int64_t moment = 4711;

	(void)state;
	now = "2026-01-31T12:00:00Z";
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(moment_read(cases[i], false, MOMENT_START, &moment), -1);
		assert_int_equal(moment, 4711);
	}
	/* The log itself never says so. */
	assert_int_equal(moment_parse("now", true, MOMENT_START, &moment), -1);
}

static void test_what_a_terminal_shows(void **state)
{
	char text[MOMENT_SIZE];
	int64_t moment;

	(void)state;
	assert_int_equal(
		moment_parse("2026-01-31T12:00:07.5Z", true, MOMENT_START, &moment), 0);
	moment_say(moment, false, text);
	assert_string_equal(text, "2026-01-31 13:00:07");
	moment_say(moment, true, text);
	assert_string_equal(text, "2026-01-31 12:00:07Z");
	moment_say(MOMENT_NONE, false, text);
	assert_string_equal(text, "-");
	moment_show(moment, false, text);
	assert_string_equal(text, "2026-01-31 13:00:07+0100");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_read),
		cmocka_unit_test(test_what_is_none),
		cmocka_unit_test(test_what_a_terminal_shows),
	};

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
