#include "cathgate/base/clock.h"

#include <stdio.h>

int64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_ms(void)
{
	return clock_us() / 1000;
}

void clock_utc(char ret[CLOCK_UTC_SIZE])
{
	struct timespec now;
	struct tm utc;
	char seconds[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(ret, CLOCK_UTC_SIZE, "%.19s.%06uZ", seconds,
		 (unsigned)(now.tv_nsec / 1000) % 1000000);
}
