/*
 * Whether a log's live file goes on from its newest rotated one. If whole files in
 * between were moved away it doesn't have to, but a finding says so.
 */
#pragma once

#include <stdbool.h>

#include "aside.h"
#include "cathgate/audit/chain.h"

struct continuation {
	const char *path;		/* of the live file */
	const char *newest;		/* of the newest rotated one */
	const struct chain_line *first; /* the live one's */
	bool is_told; /* that line says why the lines before it end where they do */
	struct digest *digest;
	char *buffer; /* of LOG_VERIFY_LINE_MAX bytes */
};

/* If the log is broken there, `ret_why` says why, a clause. If lines are in no file, and
 * all else is well, `ret_missing` says which. 0; -1 with errno when the rotated file
 * can't be read. */
MUST_USE int continuation_check(const struct continuation *continuation,
				char ret_why[ASIDE_FINDING_SIZE],
				char ret_missing[ASIDE_FINDING_SIZE]);
