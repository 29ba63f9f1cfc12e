/* Goal: refusals that repeat are counted exactly, and what is new is never hidden. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/auditor/repeats.h"

struct told {
	unsigned summaries;
	unsigned long refusals, of_study;
	char last[256];
};

static void note(void *context, const char *peer, const struct audit_record *summary)
{
	struct told *told = context;

	assert_true(peer[0] != '\0');
	told->summaries++;
	told->refusals += strtoul(summary->detail, NULL, 10);
	if (strcmp(summary->study, "9.1") == 0)
		told->of_study += strtoul(summary->detail, NULL, 10);
	snprintf(told->last, sizeof(told->last), "%s", summary->detail);
}

static struct audit_record refusal(enum reason reason, const char *calling_ae,
				   const char *certificate)
{
	struct audit_record record;

	audit_record_init(&record);
	record.event = AUDIT_ASSOCIATION;
	record.outcome = AUDIT_REFUSED;
	record.reason = reason;
	snprintf(record.calling_ae, sizeof(record.calling_ae), "%s", calling_ae);
	snprintf(record.certificate, sizeof(record.certificate), "%s", certificate);
	snprintf(record.detail, sizeof(record.detail), "as found");
	return record;
}

static void the_first_are_recorded_the_rest_counted(void **state)
{
	struct audit_record record = refusal(REASON_NOT_TLS, "", "");
	struct told told = { 0 };
	struct repeats repeats;

	(void)state;
	assert_int_equal(repeats_open(&repeats, note, &told), 0);
	for (int i = 0; i < 422; i++)
		assert_int_equal(repeats_take(&repeats, i, "192.0.2.7:1000", &record),
				 i >= REPEATS_EACH);
	assert_int_equal(repeats_wait_ms(&repeats, 1000), REPEATS_MS - 1000);
	repeats_flush(&repeats, REPEATS_MS - 1, false);
	assert_int_equal(told.summaries, 0);
	repeats_flush(&repeats, REPEATS_MS, false);
	assert_string_equal(told.last, "412 more from 192.0.2.7: as found");
	/* It goes on: no more lines of its own until there is a minute's peace. */
	assert_true(repeats_take(&repeats, REPEATS_MS + 1, "192.0.2.7:1", &record));
	repeats_flush(&repeats, 2 * REPEATS_MS, false);
	repeats_flush(&repeats, 3 * REPEATS_MS, false);
	assert_false(repeats_take(&repeats, 3 * REPEATS_MS, "192.0.2.7:1", &record));
	assert_int_equal(told.summaries, 2);
	assert_int_equal(told.refusals, 413);
	repeats_close(&repeats);
}

static void what_is_new_is_recorded(void **state)
{
	static const struct {
		enum reason reason;
		const char *calling_ae, *certificate;
	} news[] = {
		{ REASON_HANDSHAKE_TIMEOUT, "", "" },
		{ REASON_NOT_TLS, "CATHLAB9", "" },
		{ REASON_NOT_TLS, "", "aa" },
		{ REASON_NOT_TLS, "CATHLAB9", "aa" },
	};
	struct audit_record flood = refusal(REASON_NOT_TLS, "", "");
	struct told told = { 0 };
	struct repeats repeats;

	(void)state;
	assert_int_equal(repeats_open(&repeats, note, &told), 0);
	for (int i = 0; i < 1000; i++)
		repeats_take(&repeats, 0, "192.0.2.7:1000", &flood);
	for (size_t i = 0; i < sizeof(news) / sizeof(news[0]); i++) {
		struct audit_record record =
			refusal(news[i].reason, news[i].calling_ae, news[i].certificate);

		assert_false(repeats_take(&repeats, 0, "192.0.2.7:1000", &record));
	}
	assert_false(repeats_take(&repeats, 0, "192.0.2.8:1000", &flood));
	repeats_close(&repeats);
}

static struct audit_record refused_instance(const char *modality, const char *sop_class,
					    unsigned number)
{
	struct audit_record record = refusal(REASON_SOP_CLASS_NOT_ALLOWED, "LAB", "aa");

	record.event = AUDIT_INSTANCE;
	record.status = 0x0124;
	record.bytes = 144;
	snprintf(record.modality, sizeof(record.modality), "%s", modality);
	snprintf(record.sop_class, sizeof(record.sop_class), "%s", sop_class);
	snprintf(record.sop_instance, sizeof(record.sop_instance), "1.2.%u", number);
	return record;
}

/* The first of each class and modality are recorded, wherever they come from; a modality
 * that makes up a class for each is soon only counted. */
static void instances_are_told_apart_by_class(void **state)
{
	struct told told = { 0 };
	struct repeats repeats;
	struct audit_record record;
	unsigned long recorded = 0;

	(void)state;
	assert_int_equal(repeats_open(&repeats, note, &told), 0);
	for (unsigned i = 0; i < 300; i++) {
		record = refused_instance(i % 3 ? "angio-3" : "ct-1",
					  i % 2 ? "1.2.3" : "1.2.4", i);
		recorded += !repeats_take(&repeats, 0, i % 5 ? "192.0.2.7:1" : "[::1]:2",
					  &record);
	}
	assert_int_equal(recorded, 4 * REPEATS_EACH);
	repeats_tell_instances(&repeats, "angio-3");
	assert_int_equal(told.summaries, 2);
	assert_int_equal(told.refusals, 200 - 2 * REPEATS_EACH);
	assert_non_null(strstr(told.last, " more from this modality: as found"));

	recorded = 0;
	for (unsigned i = 0; i < 1000; i++) {
		char sop_class[32];

		snprintf(sop_class, sizeof(sop_class), "1.2.9.%u", i);
		record = refused_instance("mr-1", sop_class, i);
		recorded += !repeats_take(&repeats, 0, "192.0.2.7:1", &record);
	}
	assert_int_equal(recorded, REPEATS_CLASSES);
	/* What was told of at an association's end is no news within the minute, nor
	 * after it while it goes on. */
	record = refused_instance("angio-3", "1.2.3", 0);
	assert_true(repeats_take(&repeats, REPEATS_MS - 1, "192.0.2.7:1", &record));
	repeats_flush(&repeats, REPEATS_MS, false);
	assert_true(repeats_take(&repeats, REPEATS_MS + 1, "192.0.2.7:1", &record));
	repeats_close(&repeats);
}

/* A sum bears a study if all have it that it stands for, of one kind or of many. */
static void sums_bear_their_study(void **state)
{
	static const struct {
		unsigned studies, classes;
		bool only_count;
		unsigned long of_study;
	} cases[] = {
		{ 1, 1, false, 100 - REPEATS_EACH },
		{ 2, 1, false, 50 - REPEATS_EACH },
		{ 1, 100, false, 100 - REPEATS_CLASSES },
		{ 2, 100, false, 0 },
		{ 1, 100, true, 100 },
		{ 2, 1, true, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct told told = { 0 };
		struct repeats repeats;
		unsigned long recorded = 0;

		assert_int_equal(repeats_open(&repeats, note, &told), 0);
		for (unsigned j = 0; j < 100; j++) {
			struct audit_record record = refused_instance("angio-3", "", j);

			snprintf(record.sop_class, sizeof(record.sop_class), "1.2.%u",
				 j % cases[i].classes);
			snprintf(record.study, sizeof(record.study), "9.%u",
				 1 + j % cases[i].studies);
			if (cases[i].only_count)
				repeats_count_together(&repeats, 0, "192.0.2.7:1",
						       &record);
			else
				recorded += !repeats_take(&repeats, 0, "192.0.2.7:1",
							  &record);
		}
		repeats_flush(&repeats, 0, true);
		assert_int_equal(recorded + told.refusals, 100);
		assert_int_equal(told.of_study, cases[i].of_study);
		repeats_close(&repeats);
	}
}

/* However many associations end within a minute, a sum is told at one's end and when the
 * minute is over. */
static void ends_bring_one_sum_a_minute(void **state)
{
	enum { MINUTES = 3, ENDS = 60 };
	struct audit_record record = refused_instance("angio-3", "1.2.3", 0);
	struct told told = { 0 };
	struct repeats repeats;
	unsigned long recorded = 0;

	(void)state;
	assert_int_equal(repeats_open(&repeats, note, &told), 0);
	for (int64_t i = 0; i < MINUTES * ENDS; i++) {
		for (int j = 0; j < 20; j++)
			recorded +=
				!repeats_take(&repeats, i * 1000, "192.0.2.7:1", &record);
		repeats_tell_instances(&repeats, "angio-3");
		repeats_flush(&repeats, i * 1000, false);
	}
	repeats_flush(&repeats, MINUTES * REPEATS_MS, true);
	assert_int_equal(told.summaries, 2 * MINUTES);
	assert_int_equal(recorded + told.refusals, 20 * MINUTES * ENDS);
	repeats_close(&repeats);
}

/* Whatever comes from wherever: lines and counts add up, and the lines are few. */
static void many_addresses_are_one_flood(void **state)
{
	struct audit_record record = refusal(REASON_NOT_TLS, "", "");
	unsigned long recorded = 0, all = 100000;
	struct told told = { 0 };
	struct repeats repeats;

	(void)state;
	assert_int_equal(repeats_open(&repeats, note, &told), 0);
	for (unsigned long i = 0; i < all; i++) {
		char peer[ADDRESS_TEXT_SIZE];

		snprintf(peer, sizeof(peer), "10.%lu.%lu.1:9", i / 256 % 256, i % 256);
		recorded += !repeats_take(&repeats, (int64_t)i, peer, &record);
		repeats_flush(&repeats, (int64_t)i, false);
	}
	repeats_flush(&repeats, (int64_t)all, true);
	assert_int_equal(recorded + told.refusals, all);
	assert_true(recorded <= 10 * REPEATS_TOGETHER);
	repeats_close(&repeats);
}

static struct audit_record shown(unsigned long number)
{
	struct audit_record record = refusal(REASON_TLS_UNTRUSTED, "", "");

	snprintf(record.shown_certificate, sizeof(record.shown_certificate), "%064lx",
		 number);
	snprintf(record.shown_subject, sizeof(record.shown_subject), "CN=%lu", number);
	snprintf(record.detail, sizeof(record.detail), "CN=%lu isn't trusted", number);
	return record;
}

static void note_shown(void *context, const char *peer,
		       const struct audit_record *summary)
{
	unsigned long *counts = context, more = strtoul(summary->detail, NULL, 10);

	(void)peer;
	counts[summary->shown_certificate[0] != '\0'] += more;
	if (summary->shown_certificate[0])
		assert_non_null(strstr(summary->detail, summary->shown_subject));
	else
		assert_non_null(strstr(summary->detail,
				       " more from other addresses, or with other "
				       "certificates: tls-untrusted"));
}

/* Two devices behind one address stay apart, each with its sum; a stranger who makes a
 * certificate for each connection is only counted, and no certificate stands for all. */
static void certificates_shown_are_told_apart(void **state)
{
	unsigned long counts[2] = { 0 }, recorded = 0, all = 10000;
	struct audit_record record;
	struct repeats repeats;

	(void)state;
	assert_int_equal(repeats_open(&repeats, note_shown, counts), 0);
	for (unsigned long i = 0; i < 100; i++) {
		record = shown(i % 2);
		recorded += !repeats_take(&repeats, 0, "192.0.2.7:1", &record);
	}
	assert_int_equal(recorded, 2 * REPEATS_EACH);
	for (unsigned long i = 0; i < all; i++) {
		record = shown(2 + i);
		recorded += !repeats_take(&repeats, 0, "192.0.2.7:1", &record);
	}
	repeats_flush(&repeats, 0, true);
	assert_int_equal(counts[1], 100 - 2 * REPEATS_EACH);
	assert_int_equal(recorded + counts[0] + counts[1], 100 + all);
	assert_true(recorded <= 2 * REPEATS_EACH + REPEATS_SHOWN);
	repeats_close(&repeats);
}

static void more_kinds_than_rows_add_up(void **state)
{
	unsigned long recorded = 0, all = 10 * REPEATS_ROWS * 12;
	struct told told = { 0 };
	struct repeats repeats;

	(void)state;
	assert_int_equal(repeats_open(&repeats, note, &told), 0);
	for (unsigned long i = 0; i < all; i++) {
		struct audit_record record = refusal(REASON_AE_UNKNOWN, "", "");

		snprintf(record.calling_ae, sizeof(record.calling_ae), "AE%lu", i / 12);
		recorded += !repeats_take(&repeats, (int64_t)i, "192.0.2.7:1", &record);
	}
	repeats_flush(&repeats, 0, true);
	assert_int_equal(recorded + told.refusals, all);
	repeats_close(&repeats);
}

static void an_ipv6_network_is_one_address(void **state)
{
	struct audit_record record = refusal(REASON_NOT_TLS, "", "");
	struct told told = { 0 };
	struct repeats repeats;

	(void)state;
	assert_int_equal(repeats_open(&repeats, note, &told), 0);
	for (int i = 0; i < 30; i++) {
		char peer[ADDRESS_TEXT_SIZE];

		snprintf(peer, sizeof(peer), "[2001:db8::%x]:9", i + 1);
		repeats_take(&repeats, 0, peer, &record);
	}
	repeats_flush(&repeats, 0, true);
	assert_string_equal(told.last, "20 more from 2001:db8::/64: as found");
	repeats_close(&repeats);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_are_recorded_the_rest_counted),
		cmocka_unit_test(what_is_new_is_recorded),
		cmocka_unit_test(instances_are_told_apart_by_class),
		cmocka_unit_test(sums_bear_their_study),
		cmocka_unit_test(ends_bring_one_sum_a_minute),
		cmocka_unit_test(many_addresses_are_one_flood),
		cmocka_unit_test(certificates_shown_are_told_apart),
		cmocka_unit_test(more_kinds_than_rows_add_up),
		cmocka_unit_test(an_ipv6_network_is_one_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
