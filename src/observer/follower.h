/*
 * Follows the audit log, from some lines before its end, into a tally.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "tally.h"

struct log_reader;

struct follower {
	const char *path;     /* of the log */
	const char *for_whom; /* what goes without it, as "metrics and status" */
	/* Hears of each line from `unheard` on; NULL: nobody does. */
	void (*on_new)(void *context, const json_t *line);
	void *context;
	/* A process before this one has heard of the lines before; 0: there was none, and
	 * what happened since the last start or reload is new. */
	uint64_t unheard;
	/* When the gateway started (clock_utc_us()). Lines behind its start line count
	 * though they were there before the follower, if the line is among the last. 0:
	 * they don't. */
	int64_t started_utc_us;

	/* The follower's own, all zero at first. */
	struct log_reader *reader;
	uint64_t history_end; /* lines before this one aren't counted */
	int64_t retry_ms;
	bool has_more, is_failing, is_behind_gap;
};

/* Reads what there is, but not all at once. */
void follower_read(struct follower *follower, struct tally *tally);
/* Readable when there is more; -1 while the log can't be read. */
int follower_descriptor(const struct follower *follower);
/* Whether there is something to read, or it is time to try again. */
bool follower_is_due(const struct follower *follower);
/* How long its owner may wait who has something to do in `most_ms`. */
int64_t follower_wait_ms(const struct follower *follower, int64_t most_ms);
void follower_close(struct follower *follower);
