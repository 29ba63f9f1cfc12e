#include "when.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "cathgate/base/utc.h"

#define MINUTE 60
#define HOUR   3600
#define DAY    86400

/* Moment and age of a time, in seconds; false when it is none. */
static bool read_time(const char *time, int64_t now, struct tm *ret_local,
		      int64_t *ret_ago)
{
	time_t seconds;
	int64_t us;

	if (utc_parse(time, &us) != 0)
		return false;
	seconds = (time_t)(us / 1000000);
	*ret_ago = now - seconds;
	return localtime_r(&seconds, ret_local) != NULL;
}

void when_text(const char *time, int64_t now, char ret[WHEN_SIZE])
{
	struct tm local;
	int64_t ago;

	ret[0] = '\0';
	if (!read_time(time, now, &local, &ago))
		return;
	if (ago < 0 || ago >= DAY)
		(void)!strftime(ret, WHEN_SIZE, "%Y-%m-%d %H:%M", &local);
	else if (ago < MINUTE)
		snprintf(ret, WHEN_SIZE, "%d s ago", (int)ago);
	else if (ago < HOUR)
		snprintf(ret, WHEN_SIZE, "%d min ago", (int)ago / MINUTE);
	else
		snprintf(ret, WHEN_SIZE, "%d h ago (%02d:%02d)", (int)ago / HOUR,
			 local.tm_hour, local.tm_min);
}

void when_short(const char *time, int64_t now, char ret[WHEN_SIZE])
{
	struct tm local;
	int64_t ago;

	ret[0] = '\0';
	if (!read_time(time, now, &local, &ago))
		return;
	if (ago > -DAY && ago < DAY)
		(void)!strftime(ret, WHEN_SIZE, "%H:%M", &local);
	else
		(void)!strftime(ret, WHEN_SIZE, "%b %d", &local);
}

void when_lasting(int64_t seconds, char ret[WHEN_SIZE])
{
	int64_t days = seconds / DAY, hours = seconds / HOUR % 24;
	int64_t minutes = seconds / MINUTE % 60;

	if (days > 0)
		snprintf(ret, WHEN_SIZE, "%lld d %lld h", (long long)days,
			 (long long)hours);
	else if (hours > 0)
		snprintf(ret, WHEN_SIZE, "%lld h %lld min", (long long)hours,
			 (long long)minutes);
	else if (minutes > 0)
		snprintf(ret, WHEN_SIZE, "%lld min", (long long)minutes);
	else
		snprintf(ret, WHEN_SIZE, "%lld s", (long long)seconds);
}
