/*
 * Counters of what the lines of the audit log say, and what happened last.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "happening.h"
#include "modalities.h"
#include "recent.h"
#include "series.h"
#include "snapshot.h"

#define TALLY_DESTINATIONS 256
#define TALLY_CHANGES_SIZE 8192

struct tally_destination {
	char name[64];
	bool has_counters;
	char last_success[32];
	struct happening last_failure;
	bool has_failed_last; /* the last failure came after the last success */
	char fails_since[32]; /* when it does */
};

/* Since the observer began. */
struct tally_totals {
	uint64_t refused; /* associations and instances */
	uint64_t forwarded, failed, unconfirmed, spooled;
	uint64_t delivered; /* out of the spool */
};

struct tally {
	struct series *counters;
	uint64_t sequence; /* of the last line */
	bool has_sequence;
	char last_line[32], last_checkpoint[32];
	struct happening last_reload, last_alert, last_refusal;
	/* The details of the last reload's lines, put together. */
	char last_changes[TALLY_CHANGES_SIZE];
	bool reload_goes_on;
	struct tally_destination destinations[TALLY_DESTINATIONS];
	size_t destination_count;
	struct modalities modalities;
	struct recents recents;
	struct tally_totals totals;
};

/* 0, or -1 without memory. */
MUST_USE int tally_open(struct tally *tally);
void tally_close(struct tally *tally);

/* Takes a line. Without `counts` only what happened last is noted. */
void tally_take(struct tally *tally, const json_t *line, uint64_t sequence, bool counts);
/* Only the supervisor knows how many handshakes ended well. */
void tally_handshakes(struct tally *tally, uint64_t done);
/* Make all counters that a modality or a destination can have, at 0. */
void tally_modality(struct tally *tally, const char *name);
void tally_destination(struct tally *tally, const char *name);
/* Both, for all that a snapshot names. */
void tally_names(struct tally *tally, const struct snapshot *snapshot);
/* NULL when nothing is known of it. */
const struct tally_destination *tally_find(const struct tally *tally, const char *name);
