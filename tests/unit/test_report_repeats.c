/*
 * Goal: a report that remembers only what it must says the same as one that remembers
 * every instance: of all studies, and of the one that is asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/kit/moment.h"
#include "cli/log/report_count.h"

#define LINES	300
#define STUDIES 6

struct text {
	char sop_instance[16], study[16];
};

struct log {
	struct report_line lines[LINES];
	struct text texts[LINES];
};

static int below(int limit)
{
	return rand() % limit;
}

static void make_log(struct log *log, int instances)
{
	static const char *const modalities[] = { "angio", "echo", "" };
	static const char *const outcomes[] = { "forwarded",   "forwarded", "forwarded",
						"spooled",     "failed",    "refused",
						"unconfirmed", "odd" };
	static const char *const reasons[] = { "", "internal", "audit-unavailable" };
	static const char *const associations[] = { "", "1", "2" };
	for (int i = 0; i < LINES; i++) {
		struct text *text = &log->texts[i];
		text->sop_instance[0] = text->study[0] = '\0';
		if (below(20) > 0)
			sprintf(text->sop_instance, "1.%d", below(instances));
		if (below(5) > 0)
			sprintf(text->study, "9.%d", below(STUDIES));
		log->lines[i] = (struct report_line){
			.stands_for = 1,
			.event = below(10) > 0 ? "instance" : "delivery",
			.outcome = outcomes[below(8)],
			.reason = reasons[below(3)],
			.association = associations[below(3)],
			.modality = modalities[below(3)],
			.sop_instance = text->sop_instance,
			.study = text->study,
			.moment = below(50),
			.bytes = below(3) - 1,
			.total_ms = below(3) - 1,
		};
		/* Told again, or corrected. */
		if (i > 0 && below(4) == 0) {
			log->lines[i] = log->lines[i - 1];
			if (below(2) == 0)
				log->lines[i].outcome = "unconfirmed";
			if (below(2) == 0)
				log->lines[i].reason = "audit-unavailable";
		}
	}
}

static void assert_same_study(const struct report *a, const struct report_study *one,
			      const struct report *b, const struct report_study *other)
{
	assert_int_equal(one->received, other->received);
	assert_int_equal(one->attempts, other->attempts);
	assert_int_equal(one->missing, other->missing);
	assert_memory_equal(one->by_outcome, other->by_outcome, sizeof(one->by_outcome));
	assert_int_equal(one->bytes, other->bytes);
	assert_int_equal(one->first, other->first);
	assert_int_equal(one->last, other->last);
	if (!one->uid)
		return;
	assert_string_equal(one->uid, other->uid);
	assert_string_equal(one->modality, other->modality);
	assert_int_equal(one->has_others, other->has_others);
	size_t i = one->first_missing, j = other->first_missing;
	while (i != REPORT_NONE && j != REPORT_NONE) {
		const struct report_instance *x = &a->instances[i], *y = &b->instances[j];
		assert_string_equal(x->sop_instance, y->sop_instance);
		assert_string_equal(x->reason, y->reason);
		assert_int_equal(x->outcome, y->outcome);
		assert_int_equal(x->attempts, y->attempts);
		assert_int_equal(x->last, y->last);
		i = x->next_missing;
		j = y->next_missing;
	}
	assert_int_equal(i, j);
}

static void count_twice(struct report *report, const struct log *log, const char *study)
{
	struct report_repeats repeats;
	bool needs_all = false;
	assert_int_equal(report_open(report), 0);
	report->study = study;
	assert_int_equal(report_repeats_open(&repeats, study != NULL), 0);
	for (size_t i = 0; i < LINES; i++)
		assert_int_equal(
			report_look(report, &repeats, &log->lines[i], &needs_all), 0);
	assert_false(needs_all);
	report->repeats = &repeats;
	for (size_t i = 0; i < LINES; i++)
		assert_int_equal(report_take(report, &log->lines[i]), 0);
	report->repeats = NULL;
	report_repeats_close(&repeats);
	report_finish(report);
}

static void both_say_the_same(void **state)
{
	(void)state;
	struct log *log = malloc(sizeof(*log));
	struct report all, twice;
	srand(9);
	for (int round = 0; round < 150; round++) {
		make_log(log, round % 2 ? 30 : 3000);
		assert_int_equal(report_open(&all), 0);
		for (size_t i = 0; i < LINES; i++)
			assert_int_equal(report_take(&all, &log->lines[i]), 0);
		report_finish(&all);
		count_twice(&twice, log, NULL);
		assert_int_equal(all.study_count, twice.study_count);
		for (size_t i = 0; i < all.study_count; i++)
			assert_same_study(&all, &all.studies[i], &twice,
					  &twice.studies[i]);
		assert_same_study(&all, &all.total, &twice, &twice.total);
		report_close(&twice);
		count_twice(&twice, log, "9.1");
		const struct report_study *one = report_find(&all, "9.1");
		const struct report_study *other = report_find(&twice, "9.1");
		assert_int_equal(one == NULL, other == NULL);
		if (one)
			assert_same_study(&all, one, &twice, other);
		assert_int_equal(all.studies[0].missing, twice.studies[0].missing);
		report_close(&twice);
		report_close(&all);
	}
	free(log);
}

/* What is remembered of instances that came once, and of other studies: nothing. */
static void what_came_once_is_forgotten(void **state)
{
	(void)state;
	struct report report;
	struct log *log = malloc(sizeof(*log));
	for (int i = 0; i < LINES; i++) {
		sprintf(log->texts[i].sop_instance, "1.%d", i / 10 == 3 ? 3 : i);
		sprintf(log->texts[i].study, "9.%d", i / 10);
		log->lines[i] =
			(struct report_line){ .stands_for = 1,
					      .event = "instance",
					      .outcome = "forwarded",
					      .reason = "",
					      .association = "",
					      .modality = "",
					      .sop_instance = log->texts[i].sop_instance,
					      .study = log->texts[i].study,
					      .moment = i };
	}
	count_twice(&report, log, NULL);
	assert_int_equal(report.instance_count, 1);
	assert_int_equal(report.total.received, LINES - 10);
	report_close(&report);
	count_twice(&report, log, "9.7");
	assert_int_equal(report.instance_count, 0);
	assert_int_equal(report.study_count, 2);
	assert_int_equal(report_find(&report, "9.7")->received, 10);
	report_close(&report);
	/* A line without a time: the order of all of them counts. */
	struct report_repeats repeats;
	bool needs_all = false;
	log->lines[5].moment = MOMENT_NONE;
	assert_int_equal(report_open(&report), 0);
	assert_int_equal(report_repeats_open(&repeats, false), 0);
	assert_int_equal(report_look(&report, &repeats, &log->lines[5], &needs_all), 0);
	assert_true(needs_all);
	report_repeats_close(&repeats);
	report_close(&report);
	free(log);
}

/* Sums without a study count against the one that is asked for when the same modality
 * sent it on the same day, wherever in the log they stand. */
static void sums_near_a_study_are_told(void **state)
{
	enum { DAY = 24 * 3600, SUMS = 4 };
	static const struct {
		const char *modality, *study;
		int64_t second;
	} sums[SUMS] = {
		{ "angio", "", 2 * DAY - 9 },
		{ "angio", "", 4 * DAY },
		{ "echo", "", 2 * DAY },
		{ "angio", "9.2", 2 * DAY },
	};
	(void)state;
	struct log *log = calloc(1, sizeof(*log));
	struct report report;
	for (int i = 0; i < LINES; i++) {
		sprintf(log->texts[i].sop_instance, "1.%d", i);
		log->lines[i] = (struct report_line){
			.stands_for = 1,
			.event = "instance",
			.outcome = "forwarded",
			.reason = "",
			.association = "1",
			.modality = "angio",
			.sop_instance = log->texts[i].sop_instance,
			.study = i < LINES / 2 ? "9.1" : "9.2",
			.moment = (2 * DAY + (i < LINES / 2 ? 0 : 3 * DAY)) *
				  INT64_C(1000000),
		};
	}
	for (int i = 0; i < SUMS; i++) {
		struct report_line *line = &log->lines[i * (LINES / SUMS)];
		line->association = line->sop_instance = "";
		line->outcome = "refused";
		line->is_sum = true;
		line->stands_for = 1 + (uint64_t)i;
		line->modality = sums[i].modality;
		line->study = sums[i].study;
		line->moment = sums[i].second * INT64_C(1000000);
	}
	count_twice(&report, log, "9.1");
	assert_int_equal(report.uncertain, 1);
	assert_int_equal(report_find(&report, "9.1")->missing, 0);
	report_close(&report);
	count_twice(&report, log, "9.2");
	assert_int_equal(report.uncertain, 2 + 1);
	assert_int_equal(report_find(&report, "9.2")->missing, 4);
	report_close(&report);
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_say_the_same),
		cmocka_unit_test(what_came_once_is_forgotten),
		cmocka_unit_test(sums_near_a_study_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
