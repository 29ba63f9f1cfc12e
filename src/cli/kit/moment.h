/*
 * Points in time as people write them, and as the log does (RFC 3339), in microseconds
 * since 1970.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"

#define MOMENT_NONE INT64_MIN
#define MOMENT_SIZE sizeof("2026-01-31T12:00:00.123456+01:00")

enum moment_edge { MOMENT_START, MOMENT_END };

/* A date, or date and time: 2026-01-31, 2026-01-31T12:00, 2026-01-31 12:00:00.5+01:00,
 * 2026-01-31T12:00:00Z. Without a zone it is local time, or UTC when `utc`. A date alone
 * is the day's first moment, or, at MOMENT_END, the first one behind it. -1 when the text
 * is no such time. */
MUST_USE int moment_parse(const char *text, bool utc, enum moment_edge edge,
			  int64_t *ret);

/* The same, and what people write of today: now, today, yesterday, and how long ago:
 * -30min, -12h, -7d, -2w, "3 days ago". Days are of 24 hours there. */
MUST_USE int moment_read(const char *text, bool utc, enum moment_edge edge, int64_t *ret);

/* When a line of the log (cathgate/audit/members.h) was written; MOMENT_NONE where it
 * doesn't say. */
int64_t moment_of_line(const json_t *line);

/* "2026-01-31 12:00:00+0100", or with Z when `utc`; "-" of MOMENT_NONE. */
void moment_show(int64_t moment, bool utc, char ret[MOMENT_SIZE]);
/* For a person at a terminal: "2026-01-31 12:00:00", local time, or with Z when `utc`. */
void moment_say(int64_t moment, bool utc, char ret[MOMENT_SIZE]);
/* As in the log: "2026-01-31T12:00:00.123456Z"; "" of MOMENT_NONE. */
void moment_write(int64_t moment, char ret[MOMENT_SIZE]);
