/*
 * Which instances a log has more than one line of, found in a pass of its own, so that
 * the counting pass need not remember the others. Their UIDs are known by a hash of 64
 * bits, of which some stand for more than one: that costs memory, and changes no answer.
 *
 * The filter that finds them is of a fixed size. With some millions of instances it
 * begins to take others for repeated ones: one in a hundred at 5 millions.
 */
#ifndef CLI_REPORT_REPEATS_H
#define CLI_REPORT_REPEATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct report_prints {
	uint64_t *slots; /* 0: free */
	size_t room, count;
};

struct report_repeats {
	uint64_t seed;
	uint64_t *seen;	    /* a Bloom filter: all instances */
	uint64_t *no_study; /* another: of lines without study; NULL: not asked for */
	struct report_prints repeated, of_study;
	/* When the study's lines were written, and by which modality's doing. */
	int64_t first, last;
	char modality[64];
	bool has_study, has_others;
};

/* With one study asked for, which lines have that and which have none is noted, too. 0,
 * or -1 without memory. */
int report_repeats_open(struct report_repeats *repeats, bool for_study);
void report_repeats_close(struct report_repeats *repeats);

enum report_repeats_line {
	REPORT_REPEATS_OTHER,
	REPORT_REPEATS_OF_STUDY, /* of the one that is asked for */
	REPORT_REPEATS_NO_STUDY
};

/* A line of that instance. -1 without memory. */
int report_repeats_note(struct report_repeats *repeats, const char *instance,
			enum report_repeats_line line);

/* A line of the study that is asked for. */
void report_repeats_note_study(struct report_repeats *repeats, int64_t moment,
			       const char *modality);
/* Whether that modality sent some of the study within a day of the moment. */
bool report_repeats_is_near(const struct report_repeats *repeats, int64_t moment,
			    const char *modality);

/* Whether the log may have another line of it. */
bool report_repeats_has(const struct report_repeats *repeats, const char *instance);
/* Whether one of its lines may be of the study, or have none. */
bool report_repeats_concerns(const struct report_repeats *repeats, const char *instance);

#endif
