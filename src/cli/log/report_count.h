/*
 * What became of the instances of each study, counted by SOP instance.
 *
 * Refusals that were only counted stand in the log as a sum without their instances: each
 * counts as one that is missing, whatever became of it later. Sums that bear no study may
 * be of any: with one study asked for, those of its modality within a day of it are told.
 *
 * An instance that was forwarded once counts as forwarded, be it by the association or by
 * a courier, and whatever came before or after; else one that the spool has for a courier
 * counts as spooled; else what came of it last counts. A line that corrects the one
 * before it (PACS or spool took it, but the modality was told of a failure, since the
 * record came too late) is no attempt of its own, nor is a line that was written twice.
 * Attempts are the modality's: what couriers try is none.
 *
 * Memory grows with the number of instances; but where it is known beforehand which have
 * more than one line (report_repeats.h), only with the number of these, of those that are
 * missing, and of studies. With one study asked for, those of other studies cost nothing.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report_line.h"
#include "report_repeats.h"

enum report_outcome {
	REPORT_FORWARDED,
	REPORT_SPOOLED,
	REPORT_FAILED,
	REPORT_REFUSED,
	REPORT_UNCONFIRMED,
	/* Of what was in the spool: no courier will try it. */
	REPORT_DEAD,
	REPORT_GIVEN_UP,
	REPORT_DROPPED,
	REPORT_OUTCOMES
};

extern const char *const report_outcome_names[REPORT_OUTCOMES];

#define REPORT_NONE SIZE_MAX

struct report_instance {
	char *sop_instance; /* "" where the record doesn't say: each line is one then */
	size_t study;	    /* index */
	enum report_outcome outcome; /* what counts */
	char reason[40];	     /* of that */
	uint64_t attempts;
	uint64_t stands_for; /* 1, unless it ... */
	bool is_sum;	     /* ... is refusals that were only counted */
	int64_t bytes;	     /* -1: not known */
	int64_t first, last;

	size_t next_missing; /* of its study; REPORT_NONE: the last */

	/* For the line that comes next. */
	uint64_t forwarded; /* attempts and deliveries */
	/* The spool has it, now and before the latest attempt; an operator holds it. */
	bool is_spooled, was_spooled, is_held;
	enum report_outcome verdict; /* the latest, of an attempt or the spool */
	enum report_outcome latest;  /* of the latest attempt */
	char association[20];
	int64_t latest_ms;
};

struct report_study {
	char *uid;	/* "" for all whose study isn't known: index 0 */
	char *modality; /* the first one; "" not known */
	bool has_others;
	uint64_t received, attempts, missing, by_outcome[REPORT_OUTCOMES];
	uint64_t held; /* of the spooled ones */
	int64_t bytes;
	int64_t first, last;  /* MOMENT_NONE: no instance */
	size_t first_missing; /* index; REPORT_NONE: none is */
};

struct report {
	struct report_instance *instances;
	size_t instance_count, instance_room;
	struct report_study *studies;
	size_t study_count, study_room;
	struct report_study total; /* without uid and modality */
	json_t *instance_of_uid, *study_of_uid;
	/* Lines before and from there don't count; MOMENT_NONE is before all others. */
	int64_t since, until;
	/* NULL: every instance is remembered. */
	const struct report_repeats *repeats;
	const char *study;   /* the only one that is asked for; NULL: all are ... */
	uint64_t uncertain;  /* ... and the refusals that may be of it: of sums */
	size_t latest_study; /* that of the line before, which most lines are of */
};

/* 0, or -1 without memory. The window is open on both sides until it is set. */
MUST_USE int report_open(struct report *report);
void report_close(struct report *report);
/* As if no line had been taken in yet. -1 without memory. */
MUST_USE int report_reopen(struct report *report);

/* Takes in a line, whatever it is. -1 without memory. */
MUST_USE int report_take(struct report *report, const struct report_line *line);

/* The pass before that: notes what lines there are of which instance. -1 without memory.
 * *ret_needs_all is set where the order of lines counts in a way that only a report that
 * remembers all of them can follow: a line without a time. */
MUST_USE int report_look(const struct report *report, struct report_repeats *repeats,
			 const struct report_line *line, bool *ret_needs_all);

/* Adds up studies and total, and finds what is missing, when all lines are in. */
void report_finish(struct report *report);

/* NULL when it isn't there, or has no instance. */
const struct report_study *report_find(const struct report *report, const char *uid);
