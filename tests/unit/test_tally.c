/*
 * Goal: what came of objects in the spool is counted by destination and outcome; only
 * what a PACS did tells of its health; and what the gateway delivers no more is a
 * problem.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cathgate/base/clock.h"
#include "observer/problems.h"
#include "observer/tally.h"

/* Large: on the heap. */
static int set_up(void **state)
{
	struct tally *tally = malloc(sizeof(*tally));
	*state = tally;
	return tally ? tally_open(tally) : -1;
}

static int tear_down(void **state)
{
	tally_close(*state);
	free(*state);
	return 0;
}

static void take(struct tally *tally, const char *event, const char *outcome,
		 const char *reason, const char *time)
{
	json_t *line =
		json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I}", "time", time, "event", event,
			  "outcome", outcome, "reason", reason, "modality", "angio",
			  "destination", "pacs", "wait_ms", (json_int_t)20);

	assert_non_null(line);
	tally_take(tally, line, tally->sequence + 1, true);
	json_decref(line);
}

#define UNREACHABLE "destination-unreachable"
#define BEFORE	    "2026-01-31T12:00:00.000000Z"
#define AFTER	    "2026-01-31T12:30:00.000000Z"

static void assert_counted(const struct tally *tally, const char *sample)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	series_write(tally->counters, to);
	fclose(to);
	if (!strstr(text, sample))
		fail_msg("no %s in:\n%s", sample, text);
	free(text);
}

static void deliveries_are_counted_by_outcome(void **state)
{
	struct tally *tally = *state;

	tally_destination(tally, "pacs");
	tally_modality(tally, "angio");
	assert_counted(tally, "\ncathgate_deliveries_total{destination=\"pacs\",outcome="
			      "\"given-up\"} 0\n");
	assert_counted(tally, "\ncathgate_instances_total{outcome=\"spooled\",modality="
			      "\"angio\"} 0\n");
	take(tally, "instance", "spooled", "", BEFORE);
	take(tally, "delivery", "failed", UNREACHABLE, BEFORE);
	take(tally, "delivery", "failed", UNREACHABLE, BEFORE);
	take(tally, "delivery", "forwarded", "", AFTER);
	take(tally, "delivery", "queued", "", AFTER);
	assert_counted(tally, "\ncathgate_deliveries_total{destination=\"pacs\",outcome="
			      "\"failed\"} 2\n");
	assert_counted(tally, "\ncathgate_deliveries_total{destination=\"pacs\",outcome="
			      "\"forwarded\"} 1\n");
	assert_counted(tally, "\ncathgate_deliveries_total{destination=\"pacs\",outcome="
			      "\"queued\"} 1\n");
	assert_counted(tally, "\ncathgate_instances_total{outcome=\"spooled\",modality="
			      "\"angio\"} 1\n");
	/* An object is no instance more because it was delivered. */
	assert_counted(tally, "\ncathgate_instances_total{outcome=\"forwarded\",modality="
			      "\"angio\"} 0\n");
	assert_counted(tally, "\ncathgate_destination_response_seconds_count{destination="
			      "\"pacs\"} 5\n");
	assert_int_equal(tally->totals.spooled, 1);
	assert_int_equal(tally->totals.delivered, 1);
	assert_int_equal(tally->totals.forwarded, 0);
	assert_int_equal(tally->totals.failed, 0);
	assert_string_equal(modalities_find(&tally->modalities, "angio")->last_instance,
			    BEFORE);
}

static void tries_tell_how_a_destination_is(void **state)
{
	struct tally *tally = *state;

	take(tally, "delivery", "failed", UNREACHABLE, BEFORE);
	assert_true(tally_find(tally, "pacs")->has_failed_last);
	take(tally, "delivery", "forwarded", "", AFTER);
	assert_false(tally_find(tally, "pacs")->has_failed_last);
	assert_string_equal(tally_find(tally, "pacs")->last_success, AFTER);
	/* Nobody has tried: the reason is that of long ago. */
	take(tally, "delivery", "given-up", UNREACHABLE, AFTER);
	take(tally, "delivery", "held", UNREACHABLE, AFTER);
	assert_false(tally_find(tally, "pacs")->has_failed_last);
	assert_counted(tally,
		       "\ncathgate_destination_failures_total{destination=\"pacs\","
		       "reason=\"" UNREACHABLE "\"} 1\n");
}

static bool has_undelivered(const struct tally *tally)
{
	const struct snapshot none = { 0 };
	json_t *problems = problems_list(&none, tally), *item;
	bool is_found = false;
	size_t i;

	json_array_foreach(problems, i, item)
	{
		const char *name = json_string_value(json_object_get(item, "problem"));
		const char *subject = json_string_value(json_object_get(item, "subject"));

		is_found |= strcmp(name, "undelivered") == 0 &&
			    strcmp(subject, "destination pacs") == 0;
	}
	json_decref(problems);
	return is_found;
}

static void what_is_delivered_no_more_is_a_problem(void **state)
{
	static const char *const no_problem[] = { "forwarded", "failed",  "unconfirmed",
						  "held",      "dropped", "queued",
						  "exported" };
	struct tally *tally = *state;
	char now[UTC_TEXT_SIZE];

	clock_utc(now);
	for (size_t i = 0; i < sizeof(no_problem) / sizeof(no_problem[0]); i++)
		take(tally, "delivery", no_problem[i], UNREACHABLE, now);
	assert_false(has_undelivered(tally));
	take(tally, "delivery", "dead", "destination-status", BEFORE);
	assert_false(has_undelivered(tally)); /* of another day */
	take(tally, "delivery", "given-up", UNREACHABLE, now);
	assert_true(has_undelivered(tally));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(deliveries_are_counted_by_outcome, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(tries_tell_how_a_destination_is, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_delivered_no_more_is_a_problem,
						set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
