/*
 * Where a log ends: after its last whole line. What lies behind that is half a line, left
 * by a crash in the middle of a write: it was never reported durable, but it is evidence,
 * so it is kept.
 */
#ifndef AUDIT_LOG_TAIL_H
#define AUDIT_LOG_TAIL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct log_tail {
	off_t size;	   /* of the whole lines */
	uint64_t next_seq; /* 0 when there is none */
	char note[256];	   /* what was moved where; "" when nothing was */
};

/* Reads the end of a log. Torn bytes are moved into a file beside it, `audit.torn-TIME`
 * for `audit.jsonl`: durable there before they are cut off here. -1 after logging what is
 * wrong and its cure. */
int log_tail_mend(int fd, const char *path, struct log_tail *ret);

/* Makes what was created, renamed or removed beside `path` durable. -1 after logging. */
int log_tail_sync_directory(const char *path);

#endif
