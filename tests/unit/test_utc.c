/* Goal: RFC 3339's times in UTC become microseconds and the same text again; all else is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "cathgate/base/utc.h"

#define DAY_US (INT64_C(86400) * 1000000)

static void each_text_is_read(void **state)
{
	static const struct {
		const char *text;
		int64_t us; /* -1: refused */
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-02T00:00:00.000001Z", DAY_US + 1 },
		{ "1970-01-01T01:01:01.5Z", 3661500000 },
		{ "1970-01-01T00:00:00.1234567Z", 123456 },
		{ "1970-01-01T23:59:60Z", DAY_US }, /* a leap second */
		{ "1972-02-29T00:00:00Z", 789 * DAY_US },
		{ "1971-02-29T00:00:00Z", -1 },
		{ "1970-04-31T00:00:00Z", -1 },
		{ "1970-13-01T00:00:00Z", -1 },
		{ "1970-01-01T24:00:00Z", -1 },
		{ "1970-01-01T00:60:00Z", -1 },
		{ "1970-01-01T00:00:61Z", -1 },
		{ "", -1 },
		{ "1970-01-01", -1 },
		{ "1970-01-01T00:00:00", -1 },
		{ "1970-01-01T00:00:00.Z", -1 },
		{ "1970-01-01T00:00:00+01:00", -1 },
		{ "1970-01-01T00:00:00Z ", -1 },
		{ "1970-01-01 00:00:00Z", -1 },
		{ "1970- 1-01T00:00:00Z", -1 },
		{ "1970-1-1T0:0:0Z", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t us = -1;

		print_message("%s\n", rows[i].text);
		assert_int_equal(utc_parse(rows[i].text, &us), rows[i].us < 0 ? -1 : 0);
		assert_int_equal(us, rows[i].us);
	}
}

static void each_time_is_written(void **state)
{
	static const struct {
		int64_t us;
		const char *text, *seconds, *date, *minutes;
	} rows[] = {
		{ 1767323045678901, "2026-01-02T03:04:05.678901Z", "2026-01-02T03:04:05Z",
		  "2026-01-02", "2026-01-02 03:04" },
		{ 0, "1970-01-01T00:00:00.000000Z", "1970-01-01T00:00:00Z", "1970-01-01",
		  "1970-01-01 00:00" },
		{ -DAY_US + 1, "1969-12-31T00:00:00.000001Z", "1969-12-31T00:00:00Z",
		  "1969-12-31", "1969-12-31 00:00" },
		{ INT64_MAX, "?", "?", "?", "?" },
		{ INT64_MIN, "?", "?", "?", "?" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t back, second = 1000000;
		time_t time = (time_t)(rows[i].us / second - (rows[i].us % second < 0));
		char ret[UTC_TEXT_SIZE];

		utc_text(rows[i].us, ret);
		assert_string_equal(ret, rows[i].text);
		if (ret[0] != '?') {
			assert_int_equal(utc_parse(ret, &back), 0);
			assert_int_equal(back, rows[i].us);
		}
		assert_int_equal(utc_seconds(ret),
				 ret[0] == '?' ? 0 : rows[i].us / second);
		utc_text_seconds(time, ret);
		assert_string_equal(ret, rows[i].seconds);
		utc_date(time, ret);
		assert_string_equal(ret, rows[i].date);
		utc_date_minutes(time, ret);
		assert_string_equal(ret, rows[i].minutes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_text_is_read),
		cmocka_unit_test(each_time_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
