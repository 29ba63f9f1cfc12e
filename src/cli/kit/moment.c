#include "moment.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cathgate/audit/members.h"
#include "cathgate/base/utc.h"

#define MICROSECONDS 1000000
#define DAY	     (86400 * INT64_C(1000000))

/* "Z", "+01:00" or "+0100", as microseconds east of UTC. */
static int parse_zone(const char *text, int64_t *ret)
{
	size_t size = strlen(text), minutes_at = size == 6 && text[3] == ':' ? 4 : 3;
	char time[UTC_TEXT_SIZE];
	*ret = 0;
	if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
		return 0;
	if (size != minutes_at + 2 || !strchr("+-", text[0]))
		return -1;
	snprintf(time, sizeof(time), "1970-01-01T%.2s:%.2s:00Z", text + 1,
		 text + minutes_at);
	if (utc_parse(time, ret))
		return -1;
	*ret *= text[0] == '-' ? -1 : 1;
	return 0;
}

/* The moment at which local clocks show what clocks in UTC show at `moment`. */
static int64_t in_local_time(int64_t moment)
{
	time_t seconds = (time_t)(moment / MICROSECONDS);
	struct tm fields;
	gmtime_r(&seconds, &fields);
	fields.tm_isdst = -1;
	return (int64_t)mktime(&fields) * MICROSECONDS + moment % MICROSECONDS;
}

int moment_parse(const char *text, bool utc, enum moment_edge edge, int64_t *ret)
{
	bool has_time = strlen(text) > 10;
	const char *time = has_time ? text + 11 : "00:00";
	size_t size = strcspn(time, "Zz+-"); /* without a zone */
	char whole[2 * UTC_TEXT_SIZE];
	int64_t moment, zone = 0;
	if (has_time && !strchr("Tt ", text[10]))
		return -1;
	snprintf(whole, sizeof(whole), "%.10sT%.5s%s%.*sZ", text, time,
		 size > 5 && time[5] == ':' ? "" : ":00", size > 5 ? (int)size - 5 : 0,
		 size > 5 ? time + 5 : "");
	if (utc_parse(whole, &moment) || moment < 0 ||
	    (time[size] && parse_zone(time + size, &zone)))
		return -1;
	if (!has_time && edge == MOMENT_END)
		moment += DAY;
	*ret = time[size] || utc ? moment - zone : in_local_time(moment);
	return 0;
}

/* The day that many days before today, as moment_parse takes it. */
static int parse_day(int days_ago, bool utc, enum moment_edge edge, int64_t *ret)
{
	time_t now = time(NULL);
	struct tm day;
	char date[sizeof("2026-01-31")];
	if (!(utc ? gmtime_r(&now, &day) : localtime_r(&now, &day)))
		return -1;
	/* At noon, so that no change of the clocks makes it another day. */
	day.tm_hour = 12;
	day.tm_mday -= days_ago;
	day.tm_isdst = -1;
	if (timegm(&day) == -1 || strftime(date, sizeof(date), "%F", &day) == 0)
		return -1;
	return moment_parse(date, utc, edge, ret);
}

/* "-7d" or "7 days ago". */
static int parse_ago(const char *text, int64_t *ret)
{
	static const struct {
		const char *unit;
		int64_t seconds;
	} units[] = {
		{ "s", 1 },	    { "second", 1 },	   { "seconds", 1 },
		{ "min", 60 },	    { "minute", 60 },	   { "minutes", 60 },
		{ "h", 3600 },	    { "hour", 3600 },	   { "hours", 3600 },
		{ "d", 86400 },	    { "day", 86400 },	   { "days", 86400 },
		{ "w", 7 * 86400 }, { "week", 7 * 86400 }, { "weeks", 7 * 86400 },
	};
	bool has_sign = text[0] == '-';
	unsigned count;
	char unit[8], ago[4] = "";
	int size = 0;
	text += has_sign;
	if (!isdigit((unsigned char)text[0]) ||
	    sscanf(text, "%6u %7[a-z]%n %3s%n", &count, unit, &size, ago, &size) < 2 ||
	    text[size] != '\0' || strcmp(ago, has_sign ? "" : "ago") != 0)
		return -1;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(unit, units[i].unit) == 0) {
			*ret = ((int64_t)time(NULL) - count * units[i].seconds) *
			       MICROSECONDS;
			return 0;
		}
	}
	return -1;
}

int moment_read(const char *text, bool utc, enum moment_edge edge, int64_t *ret)
{
	if (strcmp(text, "now") == 0) {
		*ret = (int64_t)time(NULL) * MICROSECONDS;
		return 0;
	}
	if (strcmp(text, "today") == 0)
		return parse_day(0, utc, edge, ret);
	if (strcmp(text, "yesterday") == 0)
		return parse_day(1, utc, edge, ret);
	return parse_ago(text, ret) == 0 ? 0 : moment_parse(text, utc, edge, ret);
}

int64_t moment_of_line(const json_t *line)
{
	int64_t moment;
	return moment_parse(members_text(line, "time"), true, MOMENT_START, &moment)
		       ? MOMENT_NONE
		       : moment;
}

void moment_show(int64_t moment, bool utc, char ret[MOMENT_SIZE])
{
	/* Rounded down, before 1970 too. */
	time_t seconds = (time_t)(moment / MICROSECONDS - (moment % MICROSECONDS < 0));
	struct tm fields;
	if (moment == MOMENT_NONE ||
	    !(utc ? gmtime_r(&seconds, &fields) : localtime_r(&seconds, &fields)))
		strcpy(ret, "-");
	else
		strftime(ret, MOMENT_SIZE, utc ? "%F %TZ" : "%F %T%z", &fields);
}

void moment_say(int64_t moment, bool utc, char ret[MOMENT_SIZE])
{
	moment_show(moment, utc, ret);
	if (!utc && strlen(ret) > strlen("2026-01-31 12:00:00"))
		ret[strlen("2026-01-31 12:00:00")] = '\0';
}

void moment_write(int64_t moment, char ret[MOMENT_SIZE])
{
	ret[0] = '\0';
	if (moment != MOMENT_NONE)
		utc_text(moment, ret);
}
