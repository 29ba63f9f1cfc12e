/*
 * The monotonic clock, for deadlines, and the time of day.
 */
#ifndef CATHGATE_CLOCK_H
#define CATHGATE_CLOCK_H

#include <stdint.h>

#include "cathgate/base/utc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Milliseconds and microseconds of the monotonic clock. */
int64_t clock_ms(void);
int64_t clock_us(void);

#define CLOCK_UTC_SIZE UTC_TEXT_SIZE

/* The time of day in UTC with microseconds, as the audit log writes it. */
void clock_utc(char ret[CLOCK_UTC_SIZE]);

#ifdef __cplusplus
}
#endif

#endif
