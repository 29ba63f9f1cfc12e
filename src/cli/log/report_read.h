/*
 * A report's lines, read twice: once to learn of which instances there are several lines,
 * once to count. What is asked is answered of the lines that the first pass saw, however
 * the log grows meanwhile.
 */
#pragma once

#include "cli/kit/log_source.h"
#include "report_count.h"

#define REPORT_PASSES 2

/* What a report can't answer for. */
struct report_doubts {
	uint64_t gaps, unreadable;
};

/* `report` is open, with what is asked for. 0; -1 after saying what is wrong. */
MUST_USE int report_read(struct log_source *source, const struct line_filter *filter,
			 struct report *report, struct report_doubts *ret);
