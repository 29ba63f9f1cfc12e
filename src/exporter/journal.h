/*
 * The systemd journal as a place that lines are exported to.
 *
 * Lines are sent to journald's socket. journald doesn't answer when they are on disk.
 * With systemd the socket outlives journald, so that nothing is lost while it restarts.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cathgate/base/must_use.h"

struct journal {
	bool failing; /* which has been logged */
};

bool journal_exists(void);

/* Takes SIGALRM for itself. */
void journal_init(struct journal *journal);

/* 0; or -1 when the journal can't take the line now: give the same one again later. The
 * first failure in a row is logged, and its end. */
MUST_USE int journal_take(struct journal *journal, const char *text, size_t size,
			  const json_t *line);
