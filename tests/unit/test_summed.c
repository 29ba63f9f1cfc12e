/* Goal: what the auditor sums up is read back as it was counted, and no other line is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "audit/auditor/repeats.h"
#include "cathgate/audit/summed.h"

struct told {
	uint64_t refusals, of_others, instances;
};

static void note(void *context, const char *peer, const struct audit_record *summary)
{
	struct told *told = context;
	uint64_t count = summed_count("", summary->detail);

	assert_true(peer[0] != '\0');
	assert_true(count > 0);
	if (summary->event == AUDIT_INSTANCE) {
		told->instances += count;
		return;
	}
	assert_string_equal(summed_detail("", summary->detail), "as found: here");
	told->refusals += count;
	if (summed_is_of_others("", summary->detail))
		told->of_others += count;
}

static void summaries_are_read_as_they_are_written(void **state)
{
	enum { ADDRESSES = 150, EACH = 50 };
	struct told told = { 0 };
	struct audit_record record;
	struct repeats repeats;
	uint64_t counted = 0;
	char peer[64];

	(void)state;
	assert_int_equal(repeats_open(&repeats, note, &told), 0);
	audit_record_init(&record);
	record.event = AUDIT_ASSOCIATION;
	record.outcome = AUDIT_REFUSED;
	record.reason = REASON_NOT_TLS;
	snprintf(record.detail, sizeof(record.detail), "as found: here");
	for (int i = 0; i < ADDRESSES * EACH; i++) {
		snprintf(peer, sizeof(peer),
			 i % 2 ? "192.0.2.%d:1000" : "[2001:db8:0:%x::1]:1000",
			 i % ADDRESSES);
		counted += repeats_take(&repeats, 0, peer, &record);
	}
	repeats_flush(&repeats, 0, true);
	assert_int_equal(told.refusals, counted);
	assert_true(told.of_others > 0 && told.of_others < counted);
	repeats_close(&repeats);
}

/* So are those of instances, of one SOP class or of more than are told apart. */
static void sums_of_instances_are_read_as_well(void **state)
{
	struct told told = { 0 };
	struct audit_record record;
	struct repeats repeats;
	uint64_t counted = 0;

	(void)state;
	assert_int_equal(repeats_open(&repeats, note, &told), 0);
	audit_record_init(&record);
	record.event = AUDIT_INSTANCE;
	record.outcome = AUDIT_REFUSED;
	record.reason = REASON_SOP_CLASS_NOT_ALLOWED;
	snprintf(record.modality, sizeof(record.modality), "angio-3: the left one");
	for (int i = 0; i < 1000; i++) {
		snprintf(record.detail, sizeof(record.detail), "as found: here");
		snprintf(record.sop_class, sizeof(record.sop_class), "1.2.%d",
			 i % 2 ? 0 : i % 60);
		counted += repeats_take(&repeats, 0, "192.0.2.7:1", &record);
	}
	repeats_tell_instances(&repeats, record.modality);
	assert_int_equal(told.instances, counted);
	assert_int_equal(told.refusals, 0);
	repeats_flush(&repeats, 0, true);
	assert_int_equal(told.instances, counted);
	repeats_close(&repeats);
}

static void other_lines_stand_for_themselves(void **state)
{
	static const struct {
		const char *association, *detail;
		uint64_t count;
	} lines[] = {
		{ "", "412 more from 192.0.2.7: as found", 412 },
		{ "", "412 more from this modality: as found", 412 },
		{ "", "17 connections closed at accept", 17 },
		{ "", "17 connections closed at accept, from 192.0.2.7", 17 },
		{ "", "1 connection closed at accept, from 192.0.2.7", 1 },
		{ "", "", 1 },
		{ "", "412", 1 },
		{ "", "412 more", 1 },
		{ "", " 412 more from 192.0.2.7: as found", 1 },
		{ "", "-412 more from 192.0.2.7: as found", 1 },
		{ "", "9999999999999999999 more from 192.0.2.7: as found", 1 },
		{ "0123456789abcdef", "412 more from 192.0.2.7: as found", 1 },
		{ "0123456789abcdef", "17 connections closed at accept", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		assert_int_equal(summed_count(lines[i].association, lines[i].detail),
				 lines[i].count);
		if (lines[i].count != 412)
			assert_string_equal(
				summed_detail(lines[i].association, lines[i].detail),
				lines[i].detail);
	}
	assert_true(summed_is_of_others("", "4 more from any address: as found"));
	assert_false(summed_is_of_others("", "4 more from 192.0.2.7: as found"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(summaries_are_read_as_they_are_written),
		cmocka_unit_test(sums_of_instances_are_read_as_well),
		cmocka_unit_test(other_lines_stand_for_themselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
