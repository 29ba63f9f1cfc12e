#include "moment.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cathgate/audit/members.h"

#define MICROSECONDS 1000000

/* Takes exactly `digits` digits; -1 where there are others. */
static int take_number(const char **at, int digits)
{
	int number = 0;
	for (int i = 0; i < digits; i++, (*at)++) {
		if (**at < '0' || **at > '9')
			return -1;
		number = 10 * number + (**at - '0');
	}
	return number;
}

static bool take(const char **at, char wanted)
{
	if (**at != wanted)
		return false;
	(*at)++;
	return true;
}

static int take_date(const char **at, struct tm *ret)
{
	int year = take_number(at, 4);
	int month = take(at, '-') ? take_number(at, 2) : -1;
	int day = take(at, '-') ? take_number(at, 2) : -1;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31)
		return -1;
	ret->tm_year = year - 1900;
	ret->tm_mon = month - 1;
	ret->tm_mday = day;
	return 0;
}

static int take_fraction(const char **at)
{
	int microseconds = 0, unit = MICROSECONDS / 10;
	for (; **at >= '0' && **at <= '9'; (*at)++, unit /= 10)
		microseconds += (**at - '0') * unit;
	return microseconds;
}

static int take_time(const char **at, struct tm *ret, int *ret_microseconds)
{
	int hour = take_number(at, 2);
	int minute = take(at, ':') ? take_number(at, 2) : -1;
	int second = take(at, ':') ? take_number(at, 2) : 0;
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
	    second > 60)
		return -1;
	ret->tm_hour = hour;
	ret->tm_min = minute;
	ret->tm_sec = second;
	if (take(at, '.'))
		*ret_microseconds = take_fraction(at);
	return 0;
}

/* Takes a zone, if there is one: seconds east of UTC. */
static int take_zone(const char **at, bool *ret_has_zone, int *ret_seconds)
{
	*ret_has_zone = true;
	*ret_seconds = 0;
	if (take(at, 'Z') || take(at, 'z'))
		return 0;
	int sign = take(at, '+') ? 1 : take(at, '-') ? -1 : 0;
	*ret_has_zone = sign != 0;
	if (sign == 0)
		return 0;
	int hours = take_number(at, 2);
	(void)take(at, ':');
	int minutes = take_number(at, 2);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return -1;
	*ret_seconds = sign * 60 * (60 * hours + minutes);
	return 0;
}

int moment_parse(const char *text, bool utc, enum moment_edge edge, int64_t *ret)
{
	struct tm fields = { .tm_isdst = -1 };
	int microseconds = 0, zone = 0;
	bool has_zone = false;
	if (take_date(&text, &fields))
		return -1;
	struct tm check = fields;
	if (timegm(&check) < 0 || check.tm_mday != fields.tm_mday)
		return -1; /* 31 February */
	if (*text == '\0') {
		fields.tm_mday += edge == MOMENT_END;
	} else if ((!take(&text, 'T') && !take(&text, 't') && !take(&text, ' ')) ||
		   take_time(&text, &fields, &microseconds) ||
		   take_zone(&text, &has_zone, &zone) || *text != '\0') {
		return -1;
	}
	time_t seconds = has_zone || utc ? timegm(&fields) - zone : mktime(&fields);
	*ret = (int64_t)seconds * MICROSECONDS + microseconds;
	return 0;
}

int64_t moment_of_line(const json_t *line)
{
	int64_t moment;
	return moment_parse(members_text(line, "time"), true, MOMENT_START, &moment)
		       ? MOMENT_NONE
		       : moment;
}

/* Rounded down, before 1970 too. */
static time_t seconds_of(int64_t moment)
{
	return (time_t)(moment / MICROSECONDS - (moment % MICROSECONDS < 0));
}

void moment_show(int64_t moment, bool utc, char ret[MOMENT_SIZE])
{
	time_t seconds = seconds_of(moment);
	struct tm fields;
	if (moment == MOMENT_NONE ||
	    !(utc ? gmtime_r(&seconds, &fields) : localtime_r(&seconds, &fields)))
		strcpy(ret, "-");
	else
		strftime(ret, MOMENT_SIZE, utc ? "%F %TZ" : "%F %T%z", &fields);
}

void moment_write(int64_t moment, char ret[MOMENT_SIZE])
{
	time_t seconds = seconds_of(moment);
	struct tm fields;
	char text[32];
	ret[0] = '\0';
	if (moment == MOMENT_NONE || !gmtime_r(&seconds, &fields))
		return;
	strftime(text, sizeof(text), "%FT%T", &fields);
	snprintf(ret, MOMENT_SIZE, "%.19s.%06dZ", text,
		 (int)(moment - (int64_t)seconds * MICROSECONDS));
}
