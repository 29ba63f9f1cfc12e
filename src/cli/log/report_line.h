/*
 * What a report needs of a line that may count.
 */
#pragma once

#include <jansson.h>

#include "line_filter.h"
#include "line_scan.h"

struct report_line {
	/* "" where the line doesn't say. */
	const char *event, *outcome, *reason, *association, *modality, *sop_instance,
		*study, *patient;
	int64_t moment;		 /* MOMENT_NONE where the line doesn't say */
	int64_t bytes, total_ms; /* -1 likewise */
	bool is_sum;		 /* of refusals that were only counted ... */
	uint64_t stands_for;	 /* ... so many; else 1 */
};

/* The texts live as long as the parsed line. */
struct report_line report_line_of(const json_t *line);

struct report_line_reader {
	const struct line_filter *filter;
	struct line_scan scan;
	json_t *parsed;	   /* the line in hand, where it couldn't be scanned */
	char date[11];	   /* of the line before it ... */
	int64_t day_began; /* ... and when that day began */
};

enum report_line_result {
	REPORT_LINE_FITS,
	REPORT_LINE_OTHER,
	REPORT_LINE_UNREADABLE /* it might have fitted, and is no JSON */
};

/* *ret is valid until the next call. */
enum report_line_result report_line_read(struct report_line_reader *reader,
					 const struct log_reader_line *line,
					 struct report_line *ret);
void report_line_end(struct report_line_reader *reader);
