/* What of the spool an operator must act on, and how badly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "observer/problems_spool.h"

#define NOW 1700000000

struct found {
	char all[1024], texts[2048];
};

__attribute__((format(printf, 6, 7))) static void note(void *context, bool is_critical,
						       const char *problem,
						       const char *subject,
						       const char *when,
						       const char *format, ...)
{
	struct found *found = context;
	size_t length = strlen(found->all), at = strlen(found->texts);
	va_list arguments;

	snprintf(found->all + length, sizeof(found->all) - length, "%s%s%s of %s%s%s",
		 length ? "; " : "", is_critical ? "critical " : "", problem, subject,
		 when[0] ? " since " : "", when);
	va_start(arguments, format);
	vsnprintf(found->texts + at, sizeof(found->texts) - at, format, arguments);
	va_end(arguments);
}

static struct found look(const struct observer_spool *spool,
			 const struct spooler_figures *figures, uint32_t count)
{
	static char memory;
	const struct snapshot snapshot = {
		.memory = &memory,
		.head = { .spool = *spool, .spool_count = count },
		.spool = figures,
	};
	struct found found = { .all = "" };

	problems_of_spool(&snapshot, NOW, note, &found);
	return found;
}

static void what_waits_becomes_a_problem(void **state)
{
	const struct observer_spool spool = { .is_there = true, .give_up_hours = 72 };
	static const struct {
		int64_t oldest;
		const char *all;
	} cases[] = {
		{ 0, "" },
		{ NOW - 899, "" },
		{ NOW - 900, "spool-waits of pacs since 2023-11-14T21:58:20Z" },
		{ NOW - 36 * 3600 + 1, "spool-waits of pacs since 2023-11-13T10:13:21Z" },
		{ NOW - 36 * 3600,
		  "critical spool-waits of pacs since 2023-11-13T10:13:20Z" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct spooler_figures figures = { .destination = "pacs",
						   .objects = 1,
						   .oldest = cases[i].oldest,
						   .again = i == 4 ? NOW + 60 : 0 };
		struct found found = look(&spool, &figures, 1);

		assert_string_equal(found.all, cases[i].all);
		if (i == 2)
			assert_string_equal(found.texts,
					    "1 object for pacs waits in the spool, the "
					    "oldest for 15 min");
		assert_int_equal(strstr(found.texts, "tried again") != NULL, i == 4);
	}
}

static void dead_held_and_stray_objects_are_told(void **state)
{
	const struct observer_spool spool = { .is_there = true, .give_up_hours = 72 };
	const struct spooler_figures figures[] = {
		{ .destination = "pacs", .dead = 2 },
		{ .destination = "archive", .held = 1 },
		{ .destination = "", .objects = 1, .oldest = 5, .held = 1 },
	};
	struct found found = look(&spool, figures, 3);

	(void)state;
	assert_string_equal(found.all, "critical spool-dead of pacs; "
				       "spool-held of archive; critical spool-stray of ");
	assert_non_null(strstr(found.texts, "2 objects for pacs are not delivered"));
	assert_non_null(strstr(found.texts, "1 object for archive is held"));
	assert_non_null(strstr(found.texts, "2 objects in the spool are for a"));
}

static void a_spool_that_is_full_or_away_is_told(void **state)
{
	struct observer_spool spool = {
		.is_there = true, .is_full = true, .used = 10, .most = 10
	};
	struct found found = look(&spool, NULL, 0);

	(void)state;
	assert_string_equal(found.all, "critical spool-full of ");
	assert_non_null(strstr(found.texts, "spool.max_bytes"));
	spool.used = 9;
	assert_non_null(strstr(look(&spool, NULL, 0).texts, "spool.min_free_bytes"));
	spool.is_full = false;
	/* A reload has them replaced, which is no problem. */
	spool.missing_seconds = 9;
	assert_string_equal(look(&spool, NULL, 0).all, "");
	spool.missing_seconds = 10;
	assert_string_equal(look(&spool, NULL, 0).all, "critical spool-away of ");
	spool.missing_seconds = 0;
	spool.strangers = 2;
	assert_string_equal(look(&spool, NULL, 0).all, "critical spool-strangers of ");
	spool.is_there = false;
	assert_string_equal(look(&spool, NULL, 0).all, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_waits_becomes_a_problem),
		cmocka_unit_test(dead_held_and_stray_objects_are_told),
		cmocka_unit_test(a_spool_that_is_full_or_away_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
