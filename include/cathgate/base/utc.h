/*
 * Times as text and back, always in UTC. The texts are those of RFC 3339 with a capital T
 * and Z, or a part of one for people. A time whose year hasn't four digits becomes "?".
 */
#pragma once

#include <stdint.h>
#include <time.h>

#include "cathgate/base/must_use.h"

#define UTC_TEXT_SIZE sizeof("2026-01-02T03:04:05.678901Z")

/* Reads 2026-01-02T03:04:05Z, with or without a fraction, as microseconds since 1970.
 * Further digits of the fraction are dropped. -1 if the text is no such time. */
MUST_USE int utc_parse(const char *text, int64_t *ret_us);
/* The same in seconds; 0 if it is no such time. */
time_t utc_seconds(const char *text);

/* 2026-01-02T03:04:05.678901Z, of microseconds since 1970: the form of the audit log. */
void utc_text(int64_t us, char ret[UTC_TEXT_SIZE]);
/* 2026-01-02T03:04:05Z */
void utc_text_seconds(time_t time, char ret[UTC_TEXT_SIZE]);
/* 2026-01-02 */
void utc_date(time_t time, char ret[UTC_TEXT_SIZE]);
/* 2026-01-02 03:04 */
void utc_date_minutes(time_t time, char ret[UTC_TEXT_SIZE]);
