/*
 * A table in a file, as spreadsheets write it: UTF-8 with or without a byte order mark,
 * lines that end in LF or CRLF, cells between commas, semicolons or tabs, which the first
 * line tells, and quoted as RFC 4180 says. The first line names the columns.
 *
 * Empty lines are passed over; and cells that a line lacks at its end are empty ones,
 * since old versions of Excel leave them out.
 */
#pragma once

#include <stddef.h>

#include "cathgate/base/must_use.h"

#define CSV_BYTES_MAX	(1024UL * 1024)
#define CSV_ROWS_MAX	1000
#define CSV_COLUMNS_MAX 64

struct csv_row {
	size_t line;	    /* of the file, on which it begins */
	const char **cells; /* csv->columns of them, without spaces around */
};

/* All of it is kept. */
struct csv {
	const char **heads;
	size_t columns;
	size_t line; /* of the heads */
	struct csv_row *rows;
	size_t count;
};

/* 0; or -1 with messages, "FILE:LINE: …", that name each line that is no row. */
MUST_USE int csv_read(const char *path, struct csv *ret);
