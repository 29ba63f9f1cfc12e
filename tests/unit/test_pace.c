/* How fast the spool is emptied, and how long that takes: only time at work counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "observer/pace.h"

#define SECOND_US 1000000

struct rig {
	struct paces paces;
	struct spooler_figures figures;
	int64_t now_us;
};

static struct rig begin(void)
{
	struct rig rig = { .now_us = 5 * SECOND_US };

	strcpy(rig.figures.destination, "pacs");
	return rig;
}

/* A second in which so many of these bytes were delivered. */
static void pass(struct rig *rig, uint64_t objects, uint64_t bytes)
{
	rig->now_us += SECOND_US;
	rig->figures.done += objects;
	rig->figures.done_bytes += objects * bytes;
	paces_take(&rig->paces, &rig->figures, rig->now_us);
}

static void assert_near(double found, double wanted)
{
	assert_true(found > wanted * 0.99 && found < wanted * 1.01);
}

static void nothing_is_known_at_first(void **state)
{
	struct rig rig = begin();
	struct pace_rate rate;

	(void)state;
	rate = paces_rate(&rig.paces, "pacs");
	assert_true(rate.objects == 0 && rate.bytes == 0);
	rig.figures.objects = 10;
	assert_true(pace_left(&rig.figures, &rate) == -1);
	rig.figures.objects = 0;
	assert_true(pace_left(&rig.figures, &rate) == 0);
	paces_clear(&rig.paces);
}

static void only_time_at_work_counts(void **state)
{
	struct rig rig = begin();
	struct pace_rate rate;

	(void)state;
	pass(&rig, 0, 0);
	rig.figures.objects = 1000;
	rig.figures.bytes = 1000 * 500;
	pass(&rig, 0, 0);
	for (int i = 0; i < 60; i++)
		pass(&rig, 10, 500);
	/* Nothing waits; then the destination is away. */
	rig.figures.objects = 0;
	for (int i = 0; i < 600; i++)
		pass(&rig, 0, 0);
	rig.figures.objects = 100;
	rig.figures.bytes = 100 * 500;
	rig.figures.again = 1;
	for (int i = 0; i < 600; i++)
		pass(&rig, 0, 0);
	rate = paces_rate(&rig.paces, "pacs");
	assert_true(rate.objects > 9 && rate.objects <= 10.01);
	assert_near(rate.bytes, 500 * rate.objects);
	assert_true(pace_left(&rig.figures, &rate) == -1);
	rig.figures.again = 0;
	assert_near(pace_left(&rig.figures, &rate), 100 / rate.objects);
	/* Large ones take longer than their number says. */
	rig.figures.bytes = 100 * 5000;
	assert_near(pace_left(&rig.figures, &rate), 1000 / rate.objects);
	paces_clear(&rig.paces);
}

static void what_was_five_minutes_ago_is_forgotten(void **state)
{
	struct rig rig = begin();

	(void)state;
	rig.figures.objects = 100000;
	for (int i = 0; i < 600; i++)
		pass(&rig, 100, 500);
	for (int i = 0; i < 320; i++)
		pass(&rig, 2, 500);
	assert_near(paces_rate(&rig.paces, "pacs").objects, 2);
	paces_clear(&rig.paces);
}

static void another_spooler_counts_from_nothing(void **state)
{
	struct rig rig = begin();

	(void)state;
	rig.figures.objects = 100000;
	for (int i = 0; i < 60; i++)
		pass(&rig, 100, 500);
	rig.figures.done = rig.figures.done_bytes = 0;
	for (int i = 0; i < 60; i++)
		pass(&rig, 5, 500);
	assert_near(paces_rate(&rig.paces, "pacs").objects, 5);
	paces_clear(&rig.paces);
}

static void destinations_are_apart(void **state)
{
	struct rig rig = begin();
	struct spooler_figures other = { .destination = "archive", .objects = 1 };

	(void)state;
	rig.figures.objects = 100000;
	for (int i = 0; i < 30; i++) {
		pass(&rig, 7, 500);
		paces_take(&rig.paces, &other, rig.now_us);
	}
	assert_near(paces_rate(&rig.paces, "pacs").objects, 7);
	assert_true(paces_rate(&rig.paces, "archive").objects == 0);
	assert_true(paces_rate(&rig.paces, "nobody").objects == 0);
	paces_clear(&rig.paces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known_at_first),
		cmocka_unit_test(only_time_at_work_counts),
		cmocka_unit_test(what_was_five_minutes_ago_is_forgotten),
		cmocka_unit_test(another_spooler_counts_from_nothing),
		cmocka_unit_test(destinations_are_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
