/*
 * Finds in a pass of its own of which instances a log has several lines, so that the
 * counting pass need not remember the others. UIDs are known by a hash of 64 bits. Where
 * two UIDs have one hash, that costs memory and changes no answer.
 *
 * The filter that finds them is of a fixed size. With some millions of instances it
 * begins to take others for repeated ones: one in a hundred at 5 millions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"

struct report_prints {
	uint64_t *slots; /* 0: free */
	size_t room, count;
};

struct report_repeats {
	uint64_t seed;
	uint64_t *seen;	    /* a Bloom filter: all instances */
	uint64_t *no_study; /* another: of lines without study; NULL: not asked for */
	struct report_prints repeated, of_study;
	/* When the study's lines were written, and which modality sent it. */
	int64_t first, last;
	char modality[64];
	bool has_study, has_others;
};

/* `for_study`: one study is asked for, and it is noted too which lines name that study
 * and which name none. 0, or -1 without memory. */
MUST_USE int report_repeats_open(struct report_repeats *repeats, bool for_study);
void report_repeats_close(struct report_repeats *repeats);

enum report_repeats_line {
	REPORT_REPEATS_OTHER,
	REPORT_REPEATS_OF_STUDY, /* of the one that is asked for */
	REPORT_REPEATS_NO_STUDY
};

/* Notes a line of that instance. -1 without memory. */
MUST_USE int report_repeats_note(struct report_repeats *repeats, const char *instance,
				 enum report_repeats_line line);

/* Notes a line of the study that is asked for. */
void report_repeats_note_study(struct report_repeats *repeats, int64_t moment,
			       const char *modality);
/* Whether that modality sent some of the study within a day of the moment. */
bool report_repeats_is_near(const struct report_repeats *repeats, int64_t moment,
			    const char *modality);

/* A word more in a hash of 64 bits. */
uint64_t report_repeats_mix(uint64_t hash, uint64_t word);

/* Whether the log may have another line of that instance. */
bool report_repeats_has(const struct report_repeats *repeats, const char *instance);
/* Whether one of its lines may name that study, or none. */
bool report_repeats_concerns(const struct report_repeats *repeats, const char *instance);
