/*
 * The metrics, and the file that they are written to.
 */
#pragma once

#include <stdbool.h>

#include "snapshot.h"
#include "tally.h"

struct textfile {
	const char *path;
	struct series *gauges;
	bool is_failing;
};

/* `path` must outlive it. 0, or -1 without memory. */
MUST_USE int textfile_open(struct textfile *textfile, const char *path);
void textfile_close(struct textfile *textfile);

/* Replaces the file as a whole; logs only the first failure in a row. */
void textfile_write(struct textfile *textfile, const struct snapshot *snapshot,
		    struct tally *tally, bool is_up);
