/*
 * The systemd journal as a place that lines are exported to.
 *
 * A line is given to journald's socket and is journald's from there on: there is no
 * answer that says it is on disk. With systemd the socket outlives journald, so that what
 * is given while journald restarts isn't lost.
 */
#ifndef CATHGATE_EXPORTER_JOURNAL_H
#define CATHGATE_EXPORTER_JOURNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct journal {
	bool failing; /* and it has been said */
};

bool journal_exists(void);

/* Takes SIGALRM for itself. */
void journal_init(struct journal *journal);

/* 0; or -1 when the journal can't take it now: give the same line again later. The first
 * failure of a row is logged, and that it works again. */
int journal_take(struct journal *journal, const char *text, size_t size,
		 const json_t *line);

#endif
