/*
 * The monotonic clock, for deadlines, and the time of day.
 */
#pragma once

#include <stdint.h>

#include "cathgate/base/utc.h"

/* Milliseconds and microseconds of the monotonic clock. */
int64_t clock_ms(void);
int64_t clock_us(void);

/* The time of day in microseconds since 1970. */
int64_t clock_utc_us(void);
/* The time of day in UTC with microseconds, as the audit log writes it. */
void clock_utc(char ret[UTC_TEXT_SIZE]);
