/*
 * Which rotated files are old enough to go. Whole files only, and only those that a
 * checkpoint covers to the last line: signed with our key, where there is one. Their
 * notes stay, to say what there was; what was moved aside (torn, broken) stays, too.
 */
#ifndef AUDIT_RETENTION_H
#define AUDIT_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "aside.h"

#define RETENTION_KEPT_MAX 64

struct retention {
	int64_t next_ms; /* when to look again; 0: at once */
	/* Too old, but kept: said once. Oldest first, as they are found. */
	uint64_t kept[RETENTION_KEPT_MAX];
	size_t kept_count;
};

/* Looks for the oldest file whose last line is older than `keep_days`. True: it is to be
 * removed, once a line with the detail `ret_words` is durable. It reads the file whole.
 */
bool retention_find(struct retention *retention, const char *path, unsigned keep_days,
		    const struct signing_key *key, struct log_rotated *ret,
		    char ret_words[ASIDE_WORDS_SIZE]);

/* That file is not to be tried again. */
void retention_keep(struct retention *retention, uint64_t first_seq);

#endif
