/*
 * What the lines of the audit log say: counters, and what happened last.
 */
#ifndef OBSERVER_TALLY_H
#define OBSERVER_TALLY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "series.h"

#define TALLY_DESTINATIONS 256
#define TALLY_CHANGES_SIZE 8192

/* Text of a line, cut. */
struct tally_event {
	char time[32]; /* "": never */
	char outcome[24], reason[48], detail[256];
};

struct tally_destination {
	char name[64];
	bool has_counters;
	char last_success[32];
	struct tally_event last_failure;
	bool has_failed_last; /* the failure's line is behind the success's */
};

struct tally {
	struct series *counters;
	uint64_t sequence; /* of the last line */
	bool has_sequence;
	char last_line[32], last_checkpoint[32];
	struct tally_event last_reload, last_alert, last_refusal;
	/* What the last reload brought, of as many lines as it took. */
	char last_changes[TALLY_CHANGES_SIZE];
	bool reload_goes_on;
	struct tally_destination destinations[TALLY_DESTINATIONS];
	size_t destination_count;
};

/* 0, or -1 without memory. */
int tally_open(struct tally *tally);
void tally_close(struct tally *tally);

/* One line. Without `counts` it is history: only what happened last is noted. */
void tally_take(struct tally *tally, const json_t *line, uint64_t sequence, bool counts);
/* How many handshakes ended well is known to the supervisor alone. */
void tally_handshakes(struct tally *tally, uint64_t done);
/* Makes counters of all that can be counted for these, from 0. */
void tally_modality(struct tally *tally, const char *name);
void tally_destination(struct tally *tally, const char *name);
/* NULL when nothing is known of it. */
const struct tally_destination *tally_find(const struct tally *tally, const char *name);

#endif
