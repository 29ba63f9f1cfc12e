/*
 * A report as a table, as CSV (RFC 4180) or as JSON.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "report_count.h"

struct report_view {
	const char *study; /* this one alone; NULL: all */
	bool utc;	   /* of the table's times; the others are always in UTC */
};

/* -1 without memory. */
MUST_USE int report_print_table(FILE *to, const struct report *report,
				const struct report_view *view);
void report_print_csv(FILE *to, const struct report *report,
		      const struct report_view *view);
/* -1 without memory. */
MUST_USE int report_print_json(FILE *to, const struct report *report,
			       const struct report_view *view);
