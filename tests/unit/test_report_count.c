/*
 * Goal: each instance counts once, for the best or the last that became of it; retries
 * are told apart from lines that only correct or repeat another; sums are right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/kit/moment.h"
#include "cli/log/report_count.h"

#define AT(second) "\"time\":\"2026-01-31T12:00:0" #second ".000000Z\""
#define INSTANCE(second, outcome, uid)                                  \
	"{" AT(second) ",\"event\":\"instance\",\"outcome\":\"" outcome \
		       "\",\"association\":\"0123456789abcde" #second   \
		       "\",\"modality\":\"angio\",\"sop_instance\":\"" uid "\""
#define DELIVERY(second, outcome)                                       \
	"{" AT(second) ",\"event\":\"delivery\",\"outcome\":\"" outcome \
		       "\",\"reason\":\"spool-corrupt\",\"sop_instance\":\"1\"}"
#define STUDY ",\"study\":\"1.9\",\"bytes\":100,\"total_ms\":5}"

static void add(struct report *report, const char *text)
{
	json_t *line = json_loads(text, 0, NULL);
	if (!line)
		fail_msg("no JSON: %s", text);
	struct report_line read = report_line_of(line);
	assert_int_equal(report_take(report, &read), 0);
	json_decref(line);
}

/* What the lines become: the instance's outcome, its attempts. */
static void test_what_counts(void **state)
{
	(void)state;
	static const struct {
		const char *name, *lines[5];
		enum report_outcome outcome;
		uint64_t attempts;
		const char *reason;
	} cases[] = {
		{ "one",
		  { INSTANCE(1, "forwarded", "1") STUDY },
		  REPORT_FORWARDED,
		  1,
		  "" },
		{ "a retry",
		  { INSTANCE(1, "failed", "1") ",\"reason\":\"internal\"" STUDY,
		    INSTANCE(2, "forwarded", "1") STUDY },
		  REPORT_FORWARDED,
		  2,
		  "" },
		{ "a retry in vain",
		  { INSTANCE(1, "forwarded", "1") STUDY,
		    INSTANCE(2, "failed", "1") ",\"reason\":\"internal\"" STUDY },
		  REPORT_FORWARDED,
		  2,
		  "" },
		{ "the last of what is bad",
		  { INSTANCE(1, "unconfirmed", "1") ",\"reason\":\"internal\"" STUDY,
		    INSTANCE(2, "refused", "1") ",\"reason\":\"ae-unknown\"" STUDY },
		  REPORT_REFUSED,
		  2,
		  "ae-unknown" },
		{ "a correction",
		  { INSTANCE(1, "forwarded", "1") STUDY,
		    INSTANCE(1, "unconfirmed",
			     "1") ",\"reason\":\"audit-unavailable\"" STUDY },
		  REPORT_UNCONFIRMED,
		  1,
		  "audit-unavailable" },
		{ "a correction of the second",
		  { INSTANCE(1, "forwarded", "1") STUDY,
		    INSTANCE(2, "forwarded", "1") STUDY,
		    INSTANCE(2, "unconfirmed",
			     "1") ",\"reason\":\"audit-unavailable\"" STUDY },
		  REPORT_FORWARDED,
		  2,
		  "" },
		{ "another association's is none",
		  { INSTANCE(1, "forwarded", "1") STUDY,
		    INSTANCE(2, "unconfirmed",
			     "1") ",\"reason\":\"audit-unavailable\"" STUDY },
		  REPORT_FORWARDED,
		  2,
		  "" },
		{ "written twice",
		  { INSTANCE(1, "failed", "1") STUDY, INSTANCE(1, "failed", "1") STUDY },
		  REPORT_FAILED,
		  1,
		  "" },
		{ "spooled, then delivered",
		  { INSTANCE(1, "spooled", "1") STUDY, DELIVERY(2, "failed"),
		    DELIVERY(3, "forwarded") },
		  REPORT_FORWARDED,
		  1,
		  "" },
		{ "tried in vain",
		  { INSTANCE(1, "spooled", "1") STUDY, DELIVERY(2, "failed"),
		    DELIVERY(3, "unconfirmed") },
		  REPORT_SPOOLED,
		  1,
		  "spool-corrupt" },
		{ "dead",
		  { INSTANCE(1, "spooled", "1") STUDY, DELIVERY(2, "failed"),
		    DELIVERY(3, "dead"), DELIVERY(4, "exported") },
		  REPORT_DEAD,
		  1,
		  "spool-corrupt" },
		{ "given up",
		  { INSTANCE(1, "spooled", "1") STUDY, DELIVERY(2, "given-up") },
		  REPORT_GIVEN_UP,
		  1,
		  "spool-corrupt" },
		{ "dropped",
		  { INSTANCE(1, "spooled", "1") STUDY, DELIVERY(2, "held"),
		    DELIVERY(3, "dropped") },
		  REPORT_DROPPED,
		  1,
		  "spool-corrupt" },
		{ "queued again",
		  { INSTANCE(1, "spooled", "1") STUDY, DELIVERY(2, "dead"),
		    DELIVERY(3, "queued") },
		  REPORT_SPOOLED,
		  1,
		  "spool-corrupt" },
		{ "held, though it came again",
		  { INSTANCE(1, "spooled", "1") STUDY, DELIVERY(2, "held"),
		    INSTANCE(3, "spooled", "1") STUDY },
		  REPORT_SPOOLED,
		  2,
		  "" },
		{ "held no more",
		  { INSTANCE(1, "spooled", "1") STUDY, DELIVERY(2, "held"),
		    DELIVERY(3, "queued") },
		  REPORT_SPOOLED,
		  1,
		  "spool-corrupt" },
		{ "dead, and came again",
		  { INSTANCE(1, "spooled", "1") STUDY, DELIVERY(2, "dead"),
		    INSTANCE(3, "spooled", "1") STUDY },
		  REPORT_SPOOLED,
		  2,
		  "" },
		{ "dead, and came again in vain",
		  { INSTANCE(1, "spooled", "1") STUDY, DELIVERY(2, "dead"),
		    INSTANCE(3, "failed", "1") STUDY },
		  REPORT_FAILED,
		  2,
		  "" },
		{ "delivered, then a verdict on another copy",
		  { INSTANCE(1, "spooled", "1") STUDY, DELIVERY(2, "forwarded"),
		    DELIVERY(3, "dead") },
		  REPORT_FORWARDED,
		  1,
		  "" },
		{ "the spool had it, though its process died before it said so",
		  { INSTANCE(1, "failed", "1") ",\"reason\":\"internal\"" STUDY,
		    DELIVERY(2, "failed") },
		  REPORT_SPOOLED,
		  1,
		  "spool-corrupt" },
		{ "a correction of the spool",
		  { INSTANCE(1, "spooled", "1") STUDY,
		    INSTANCE(1, "unconfirmed",
			     "1") ",\"reason\":\"audit-unavailable\"" STUDY },
		  REPORT_UNCONFIRMED,
		  1,
		  "audit-unavailable" },
		{ "a correction, and the spool had it all the same",
		  { INSTANCE(1, "spooled", "1") STUDY,
		    INSTANCE(1, "unconfirmed",
			     "1") ",\"reason\":\"audit-unavailable\"" STUDY,
		    DELIVERY(2, "forwarded") },
		  REPORT_FORWARDED,
		  1,
		  "" },
		{ "a correction of the second",
		  { INSTANCE(1, "spooled", "1") STUDY, INSTANCE(2, "spooled", "1") STUDY,
		    INSTANCE(2, "unconfirmed",
			     "1") ",\"reason\":\"audit-unavailable\"" STUDY },
		  REPORT_SPOOLED,
		  2,
		  "" },
		{ "words of the other event",
		  { INSTANCE(1, "failed", "1") STUDY, INSTANCE(2, "dead", "1") STUDY,
		    DELIVERY(3, "refused"), DELIVERY(4, "spooled") },
		  REPORT_FAILED,
		  1,
		  "" },
		{ "spooled, then refused",
		  { INSTANCE(1, "spooled", "1") STUDY,
		    INSTANCE(2, "refused", "1") STUDY },
		  REPORT_SPOOLED,
		  2,
		  "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct report report;
		assert_int_equal(report_open(&report), 0);
		for (size_t j = 0; j < 5 && cases[i].lines[j]; j++)
			add(&report, cases[i].lines[j]);
		report_finish(&report);
		assert_int_equal(report.instance_count, 1);
		const struct report_instance *instance = &report.instances[0];
		if (instance->outcome != cases[i].outcome ||
		    instance->attempts != cases[i].attempts ||
		    strcmp(instance->reason, cases[i].reason) != 0)
			fail_msg("%s: %s %s, %d attempts", cases[i].name,
				 report_outcome_names[instance->outcome],
				 instance->reason, (int)instance->attempts);
		assert_int_equal(report.total.received, 1);
		assert_int_equal(report.total.bytes, 100);
		assert_int_equal(report.total.missing,
				 cases[i].outcome != REPORT_FORWARDED &&
					 cases[i].outcome != REPORT_SPOOLED);
		report_close(&report);
	}
}

/* An operator holds what the spool has: it comes again, and stays held. */
static void test_what_is_held(void **state)
{
	(void)state;
	static const struct {
		const char *lines[4];
		uint64_t spooled, held;
	} cases[] = {
		{ { INSTANCE(1, "spooled", "1") STUDY, DELIVERY(2, "held") }, 1, 1 },
		{ { INSTANCE(1, "spooled", "1") STUDY, DELIVERY(2, "held"),
		    INSTANCE(3, "spooled", "1") STUDY },
		  1,
		  1 },
		{ { INSTANCE(1, "spooled", "1") STUDY, DELIVERY(2, "held"),
		    DELIVERY(3, "queued") },
		  1,
		  0 },
		{ { INSTANCE(1, "spooled", "1") STUDY, DELIVERY(2, "held"),
		    DELIVERY(3, "dropped"), INSTANCE(4, "spooled", "1") STUDY },
		  1,
		  0 },
		{ { INSTANCE(1, "spooled", "1") STUDY, DELIVERY(2, "held"),
		    INSTANCE(3, "forwarded", "1") STUDY },
		  0,
		  0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct report report;
		assert_int_equal(report_open(&report), 0);
		for (size_t j = 0; j < 4 && cases[i].lines[j]; j++)
			add(&report, cases[i].lines[j]);
		report_finish(&report);
		assert_int_equal(report.total.by_outcome[REPORT_SPOOLED],
				 cases[i].spooled);
		assert_int_equal(report.total.held, cases[i].held);
		assert_int_equal(report.studies[1].held, cases[i].held);
		report_close(&report);
	}
}

static void test_studies(void **state)
{
	(void)state;
	struct report report;
	assert_int_equal(report_open(&report), 0);
	/* What got through says where it belongs. */
	add(&report, INSTANCE(0, "failed", "1") ",\"study\":\"1.2\"}");
	add(&report, INSTANCE(1, "forwarded", "1") STUDY);
	report_finish(&report);
	assert_null(report_find(&report, "1.2"));
	assert_int_equal(report_find(&report, "1.9")->received, 1);
	report_close(&report);

	assert_int_equal(report_open(&report), 0);
	/* Its study is known only when it comes again. */
	add(&report, INSTANCE(1, "failed", "1") "}");
	add(&report, INSTANCE(2, "forwarded", "1") STUDY);
	add(&report, INSTANCE(3, "failed", "2") STUDY);
	add(&report, INSTANCE(4, "refused", "3") ",\"bytes\":7}");
	/* Nobody said which: each is one. */
	add(&report, INSTANCE(5, "failed", "") "}");
	add(&report, INSTANCE(6, "failed", "") "}");
	add(&report, "{" AT(7) ",\"event\":\"association\",\"outcome\":\"refused\"}");
	add(&report, "{" AT(7) ",\"event\":\"instance\",\"outcome\":\"strange\"}");
	add(&report, "{\"event\":{},\"outcome\":[]}");
	report_finish(&report);

	const struct report_study *study = report_find(&report, "1.9");
	assert_non_null(study);
	assert_int_equal(study->received, 2);
	assert_int_equal(study->by_outcome[REPORT_FORWARDED], 1);
	assert_int_equal(study->by_outcome[REPORT_FAILED], 1);
	assert_int_equal(study->attempts, 3);
	assert_int_equal(study->missing, 1);
	assert_int_equal(study->bytes, 200);
	assert_int_equal(study->last - study->first, 2000000);
	assert_string_equal(report.instances[study->first_missing].sop_instance, "2");
	assert_int_equal(report.instances[study->first_missing].next_missing,
			 REPORT_NONE);
	study = &report.studies[0];
	assert_int_equal(study->received, 3);
	assert_int_equal(study->missing, 3);
	assert_string_equal(report.instances[study->first_missing].sop_instance, "3");
	assert_null(report_find(&report, "1.2"));
	assert_int_equal(report.total.received, 5);
	uint64_t sum = 0;
	for (size_t i = 0; i < REPORT_OUTCOMES; i++)
		sum += report.total.by_outcome[i];
	assert_int_equal(sum, report.total.received);
	report_close(&report);
}

/* Of which instances a sum is nobody knows: it stays, though one gets through. */
static void test_sums_do_not_heal(void **state)
{
	(void)state;
	struct report report;
	assert_int_equal(report_open(&report), 0);
	add(&report, INSTANCE(1, "refused", "1") STUDY);
	add(&report, "{" AT(2) ",\"event\":\"instance\",\"outcome\":\"refused\","
			       "\"detail\":\"50 more from this modality: as found\","
			       "\"modality\":\"angio\",\"study\":\"1.9\"}");
	add(&report, "{" AT(3) ",\"event\":\"instance\",\"outcome\":\"refused\","
			       "\"detail\":\"1 more from this modality: as found\","
			       "\"modality\":\"angio\",\"study\":\"1.9\"}");
	add(&report, INSTANCE(4, "forwarded", "1") STUDY);
	report_finish(&report);
	const struct report_study *study = report_find(&report, "1.9");
	assert_non_null(study);
	assert_int_equal(study->received, 52);
	assert_int_equal(study->missing, 51);
	const struct report_instance *sum = &report.instances[study->first_missing];
	assert_true(sum->is_sum);
	assert_int_equal(sum->stands_for, 50);
	assert_true(report.instances[sum->next_missing].is_sum);
	report_close(&report);
}

static void test_the_window(void **state)
{
	(void)state;
	struct report report;
	assert_int_equal(report_open(&report), 0);
	assert_int_equal(
		moment_parse("2026-01-31T12:00:02Z", true, MOMENT_START, &report.since),
		0);
	assert_int_equal(
		moment_parse("2026-01-31T12:00:04Z", true, MOMENT_END, &report.until), 0);
	add(&report, INSTANCE(1, "failed", "1") STUDY);
	add(&report, INSTANCE(2, "failed", "2") STUDY);
	add(&report, INSTANCE(3, "forwarded", "3") STUDY);
	add(&report, INSTANCE(4, "forwarded", "2") STUDY);
	report_finish(&report);
	assert_int_equal(report.total.received, 2);
	assert_int_equal(report.total.missing, 1);
	report_close(&report);
}

static void test_sums_do_not_wrap(void **state)
{
	(void)state;
	struct report report;
	assert_int_equal(report_open(&report), 0);
	add(&report, INSTANCE(1, "forwarded", "1") ",\"bytes\":9223372036854775807}");
	add(&report, INSTANCE(2, "forwarded", "2") ",\"bytes\":9223372036854775807}");
	add(&report, INSTANCE(3, "forwarded", "3") ",\"bytes\":-5}");
	report_finish(&report);
	assert_int_equal(report.total.bytes, INT64_MAX);
	report_close(&report);
}

static void test_times(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum moment_edge edge;
		const char *utc; /* NULL: it is none */
	} cases[] = {
		{ "2026-01-31", MOMENT_START, "2026-01-31T00:00:00.000000Z" },
		{ "2026-01-31", MOMENT_END, "2026-02-01T00:00:00.000000Z" },
		{ "2026-01-31T12:00", MOMENT_END, "2026-01-31T12:00:00.000000Z" },
		{ "2026-01-31 12:00:01.5", MOMENT_START, "2026-01-31T12:00:01.500000Z" },
		{ "2026-01-31T12:00:00.1234567Z", MOMENT_START,
		  "2026-01-31T12:00:00.123456Z" },
		{ "2026-01-31T12:00:00+01:00", MOMENT_START,
		  "2026-01-31T11:00:00.000000Z" },
		{ "2026-01-01T00:30-0100", MOMENT_START, "2026-01-01T01:30:00.000000Z" },
		{ "2024-02-29", MOMENT_START, "2024-02-29T00:00:00.000000Z" },
		{ "2026-02-29", MOMENT_START, NULL },
		{ "2026-13-01", MOMENT_START, NULL },
		{ "2026-1-1", MOMENT_START, NULL },
		{ "2026-01-31T", MOMENT_START, NULL },
		{ "2026-01-31T24:00", MOMENT_START, NULL },
		{ "2026-01-31T12", MOMENT_START, NULL },
		{ "2026-01-31T12:00:00X", MOMENT_START, NULL },
		{ "2026-01-31T12:00:00+1", MOMENT_START, NULL },
		{ "1969-12-31", MOMENT_START, NULL },
		{ "", MOMENT_START, NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t moment = 7;
		char text[MOMENT_SIZE];
		int result = moment_parse(cases[i].text, true, cases[i].edge, &moment);
		if ((result == 0) != (cases[i].utc != NULL))
			fail_msg("%s: %d", cases[i].text, result);
		if (result) {
			assert_int_equal(moment, 7);
			continue;
		}
		moment_write(moment, text);
		assert_string_equal(text, cases[i].utc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_counts),
		cmocka_unit_test(test_what_is_held),
		cmocka_unit_test(test_studies),
		cmocka_unit_test(test_sums_do_not_heal),
		cmocka_unit_test(test_the_window),
		cmocka_unit_test(test_sums_do_not_wrap),
		cmocka_unit_test(test_times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
