/*
 * Times as a person says them, in local time.
 */
#pragma once

#include <stdint.h>

#define WHEN_SIZE 64

/* Of a time as the log writes it: "12 s ago", "3 min ago", "5 h ago (09:02)",
 * "2026-01-31 12:00"; "" when it is none. `now` is a time_t. */
void when_text(const char *time, int64_t now, char ret[WHEN_SIZE]);
/* In the width of a column: "12:00" if it is within a day, also ahead; "Jan 31". */
void when_short(const char *time, int64_t now, char ret[WHEN_SIZE]);
/* "3 d 4 h", "4 h 12 min", "12 min", "5 s". */
void when_lasting(int64_t seconds, char ret[WHEN_SIZE]);
