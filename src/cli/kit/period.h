/*
 * --since T and --until T: the part of the log that a command is asked for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"

struct period {
	const char *since_text, *until_text; /* as given; NULL: not at all */
	/* Lines from there on, and before there, count. Without --since MOMENT_NONE, and
	 * without --until INT64_MAX: then all do. */
	int64_t since, until;
};

/* The rows of a command's table; `field` is the period in its request. */
#define PERIOD_ROWS(request, field)                                         \
	OPTIONS_ROW("since", "T", OPTIONS_TEXT, request, field.since_text), \
		OPTIONS_ROW("until", "T", OPTIONS_TEXT, request, field.until_text)
/* For its usage text. */
#define PERIOD_FORMS                                                                 \
	"T: 2026-01-31, 2026-01-31T12:00, yesterday, today, now, -7d, or \"2 hours " \
	"ago\". "

/* Reads the texts, as moment_read does. -1 after saying what is wrong. */
MUST_USE int period_read(struct period *period, bool utc);

/* Whether a line of that moment is asked for. One that doesn't say when it was written
 * (MOMENT_NONE) is, unless a time was asked for. */
bool period_holds(const struct period *period, int64_t moment);
