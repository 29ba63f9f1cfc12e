/*
 * Lines of the log as rows that a person reads.
 */
#pragma once

#include <stdbool.h>

#include "cathgate/audit/log_reader.h"
#include "cathgate/base/must_use.h"
#include "cli/kit/table.h"

/* Writes the head. */
void tail_row_open(struct table *table, FILE *to);
/* -1 without memory. */
MUST_USE int tail_row_print(const struct table *table, const struct log_reader_line *line,
			    bool utc);
