/*
 * What an auditor that starts finds of its log: where it ends, and whether its
 * predecessor can have left it so. The live file is read whole.
 *
 * A last line that lacks only its newline gets it. Other bytes behind the last good line
 * are a torn end and moved aside, unless some sound line is among them: a crash leaves
 * none there (but for a power cut, which leaves NUL bytes). A log is broken if it has
 * such lines, if it isn't the one of its own note, or if the live file doesn't go on from
 * the newest rotated one. It is moved aside whole then, and a new chain begins at 0.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "aside.h"
#include "cathgate/audit/chain.h"
#include "cathgate/audit/merkle.h"

/* Where a log has come to: its chain; and its live file, empty where tree.size is 0. */
struct log_end {
	struct chain chain;
	struct merkle tree; /* of the live file's lines */
	uint64_t first_seq;
	time_t first_time;  /* the first line's, by the time of day; 0: unknown */
	int64_t first_ms;   /* ... and by clock_ms(), or when it was found */
	uint64_t uncovered; /* lines behind the last checkpoint line */
	bool has_content;   /* some line that is not about the log itself */
};

struct recovery {
	struct log_end end;
	time_t last_time;		   /* the last line's; 0 without any */
	off_t size;			   /* of the live file */
	char findings[ASIDE_FINDING_SIZE]; /* what belongs into the log */
	char taken[ASIDE_FINDING_SIZE]; /* lines that nothing vouches for: into `start` */
	char broken[ASIDE_FINDING_SIZE]; /* why a new chain begins; "" when none does */
};

enum recovery_result {
	RECOVERY_DONE,
	RECOVERY_MOVED, /* the live file is not at its path any more: open it anew */
	RECOVERY_FAILED /* logged */
};

/* `fd`: the live file at `path`, locked. `key` may be NULL. */
MUST_USE enum recovery_result recovery_run(int fd, const char *path,
					   const struct signing_key *key,
					   struct recovery *ret);
