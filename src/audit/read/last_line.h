/*
 * The last line of a finished file.
 */
#pragma once

#include <stddef.h>

#include "cathgate/audit/chain.h"

struct last_line {
	const char *text; /* in the buffer, without its newline */
	size_t size;
	struct chain_line chain; /* sound */
};

/* `buffer` is of LOG_VERIFY_LINE_MAX bytes. -1 when the file doesn't end with a sound
 * line. */
MUST_USE int last_line_read(int fd, struct digest *digest, char *buffer,
			    struct last_line *ret);
