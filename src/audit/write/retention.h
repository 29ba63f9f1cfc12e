/*
 * Which rotated files are old enough to be removed: whole ones that a checkpoint covers
 * to the last line, signed with our key if there is one. Their notes stay, to say what
 * there was, and so does what was moved aside (torn, broken). The oldest goes first, and
 * none before an older one is gone: what is left has no gap.
 *
 * A clock that is suddenly ahead of the log is believed after the auditor has run with it
 * for a day: see log_clock.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "aside.h"

struct retention {
	int64_t next_ms; /* when to look again; 0: at once */
	bool has_kept;	 /* the oldest is too old, but kept, and a warning said so ... */
	uint64_t kept;	 /* ... of the file that begins with this line */
	/* The time that is believed, as of known_ms (clock_ms); and since when the clock
	 * has been ahead of it, 0 when it isn't. */
	time_t known;
	int64_t known_ms, ahead_ms;
	int64_t save_ms; /* when that is to be written down next */
	bool has_said_clock;
};

/* `newest`: the time of the log's last line, 0 without any. */
void retention_begin(struct retention *retention, time_t newest);
/* Goes on from what an earlier auditor of this log believed, if that is known. */
void retention_resume(struct retention *retention, const char *path);

/* Looks for the oldest file whose last line is older than `keep_days`. It is
 * to be removed once a line with the detail `ret_detail` is durable. The file is read
 * whole. */
bool retention_find(struct retention *retention, const char *path, unsigned keep_days,
		    const struct signing_key *key, struct log_rotated *ret,
		    char ret_detail[ASIDE_FINDING_SIZE]);

/* Doesn't try that file again. */
void retention_keep(struct retention *retention, uint64_t first_seq);
