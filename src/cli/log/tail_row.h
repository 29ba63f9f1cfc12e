/*
 * A line of the log as a row that a person reads.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "cathgate/audit/log_reader.h"

struct tail_style {
	bool utc, colour;
};

void tail_row_head(FILE *to);
void tail_row_print(FILE *to, const struct log_reader_line *line,
		    const struct tail_style *style);
