/*
 * The lines of the audit log that are to be exported: finds the line that the position
 * names, and gives each line from there on.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "position.h"

struct source {
	const char *path;
	struct log_reader *reader;
	struct position from; /* where to go on; without marks, at from.restart */
	bool found;	      /* that place is known; until then the log has no line */
	bool repeating;	      /* lines up to `last_exported` come once more */
	struct position_mark last_exported;
	bool gap; /* before the next line */
};

struct source_line {
	const char *text; /* without its newline; the source's, until its next call */
	size_t size;
	uint64_t seq;
	json_t *json;	/* the caller frees it (json_decref) */
	bool after_gap; /* it isn't the line after the one before */
	bool repeated;	/* exported once already; position.restart asks for it again */
};

enum source_result { SOURCE_LINE, SOURCE_END, SOURCE_FAILED };

/* `log_path` must outlive the source. */
void source_open(struct source *source, const char *log_path,
		 const struct position *from);
void source_close(struct source *source);

/* SOURCE_FAILED: the log can't be read now, errno; call again later. What else is wrong
 * with the log (lines gone, a new chain, a line that is no JSON, which is passed over) is
 * logged. */
MUST_USE enum source_result source_next(struct source *source, struct source_line *ret);

/* A descriptor that becomes readable when there may be more; -1 when there is none. */
int source_descriptor(const struct source *source);
