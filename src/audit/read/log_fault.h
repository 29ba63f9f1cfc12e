/*
 * What was done to a log where its chain breaks, as far as the line at the break and all
 * that comes behind it show.
 */
#pragma once

#include "cathgate/audit/log_verify.h"
#include "line_stream.h"

struct log_fault_place {
	int fd;
	const struct log_verify_file *before; /* what held, up to here */
	bool is_free; /* a first line, and the lines before it aren't known */
	const struct line_stream_line *line;
	bool is_partial, is_too_long; /* no newline behind it; none near enough */
};

/* 0; -1 with errno when the file can't be read any further. */
MUST_USE int log_fault_tell(const struct log_fault_place *place, struct digest *digest,
			    struct log_verify_fault *ret);
