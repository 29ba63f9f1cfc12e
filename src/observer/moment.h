/*
 * The log's times as numbers, and numbers as the log's times.
 */
#ifndef OBSERVER_MOMENT_H
#define OBSERVER_MOMENT_H

#include <stdio.h>
#include <time.h>

/* 0 for what is none. */
static inline time_t moment_seconds(const char *text)
{
	struct tm tm = { 0 };

	return strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) ? timegm(&tm) : 0;
}

#define MOMENT_SIZE sizeof("2026-01-31T12:00:00Z")

static inline const char *moment_text(time_t seconds, char ret[MOMENT_SIZE])
{
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) ||
	    strftime(ret, MOMENT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		ret[0] = '\0';
	return ret;
}

#endif
