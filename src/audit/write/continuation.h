/*
 * Whether a log's live file goes on from its newest rotated one. Where whole files in
 * between were moved away it need not, but then that is said.
 */
#ifndef AUDIT_CONTINUATION_H
#define AUDIT_CONTINUATION_H

#include <stdbool.h>

#include "aside.h"
#include "cathgate/audit/chain.h"

struct continuation {
	const char *path;		/* of the live file */
	const char *newest;		/* of the newest rotated one */
	const struct chain_line *first; /* the live one's */
	bool is_told; /* in that line, why the lines before it end where they do */
	struct digest *digest;
	char *buffer; /* of LOG_VERIFY_LINE_MAX bytes */
};

/* The log is broken there: why, a clause, is left in `ret_why`. Lines are in no file, and
 * nothing else speaks against it: which, in `ret_missing`. 0; -1 with errno when the
 * rotated file can't be read. */
int continuation_check(const struct continuation *continuation,
		       char ret_why[ASIDE_WORDS_SIZE],
		       char ret_missing[ASIDE_WORDS_SIZE]);

#endif
