/*
 * How far the exporter has come, in a file beside the log, replaced as a whole.
 *
 * It names the last exported line by number and hash, and some of those before it. The
 * last lines of a log may be lost with the machine's power, and others written under the
 * same numbers. The exporter goes on behind the newest named line that the log still has.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/digest.h"
#include "cathgate/base/must_use.h"

#define POSITION_MARKS 16

struct position_mark {
	uint64_t seq;
	char hash[DIGEST_HEX_SIZE]; /* as in the line */
};

struct position {
	struct position_mark marks[POSITION_MARKS]; /* the newest first */
	size_t count;	  /* 0: nothing has been exported, as far as is known */
	uint64_t restart; /* the first line that must be read again */
};

enum position_result {
	POSITION_KNOWN,
	POSITION_NONE,	/* there is no file */
	POSITION_LOST,	/* it can't be used: torn, or none of ours */
	POSITION_FAILED /* it can't be read; errno */
};

/* audit.exported for audit.jsonl, with the suffix behind it. The caller frees it; NULL
 * without memory. */
MUST_USE char *position_path(const char *log_path, const char *suffix);

MUST_USE enum position_result position_load(const char *path, struct position *ret);
/* Durably, by way of a temporary file. 0, or -1 with errno, the file then as it was. */
MUST_USE int position_save(const char *path, const struct position *position);

/* The mark of a line of the log. */
void position_mark_of(const json_t *line, uint64_t seq, struct position_mark *ret);
bool position_mark_equals(const struct position_mark *a, const struct position_mark *b);
void position_add(struct position *position, const struct position_mark *mark);
