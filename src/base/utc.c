#include "cathgate/base/utc.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MICROSECONDS 1000000

/* strptime() alone would also take spaces and fewer digits. */
static bool has_utc_shape(const char *text)
{
	static const char shape[] = "0000-00-00T00:00:00";

	for (size_t i = 0; shape[i]; i++)
		if (shape[i] == '0' ? !isdigit((unsigned char)text[i])
				    : text[i] != shape[i])
			return false;
	return true;
}

int utc_parse(const char *text, int64_t *ret_us)
{
	struct tm fields = { 0 };
	const char *rest = has_utc_shape(text) ? strptime(text, "%FT%T", &fields) : NULL;
	int day = fields.tm_mday, second = fields.tm_sec, us = 0;

	if (!rest || second > 60)
		return -1;
	if (rest[0] == '.' && isdigit((unsigned char)rest[1]))
		for (int unit = MICROSECONDS / 10; isdigit((unsigned char)*++rest);
		     unit /= 10)
			us += (*rest - '0') * unit;
	if (strcmp(rest, "Z") != 0)
		return -1;
	/* timegm() makes 3 March of 31 February, and would make the next day of a leap
	 * second: that one is added later. */
	fields.tm_sec = 0;
	int64_t minute = timegm(&fields);
	if (fields.tm_mday != day)
		return -1;
	*ret_us = (minute + second) * MICROSECONDS + us;
	return 0;
}

time_t utc_seconds(const char *text)
{
	int64_t us;

	return utc_parse(text, &us) ? 0 : us / MICROSECONDS;
}

/* Writes 2026-01-02T03:04:05; or "?", and returns false. */
static bool write_utc(time_t time, char ret[UTC_TEXT_SIZE])
{
	struct tm fields;

	if (gmtime_r(&time, &fields) && fields.tm_year >= 1000 - 1900 &&
	    fields.tm_year <= 9999 - 1900 &&
	    strftime(ret, UTC_TEXT_SIZE, "%FT%T", &fields) > 0)
		return true;
	strcpy(ret, "?");
	return false;
}

void utc_text(int64_t us, char ret[UTC_TEXT_SIZE])
{
	int64_t seconds = us / MICROSECONDS;
	int fraction = (int)(us % MICROSECONDS);

	if (fraction < 0) { /* before 1970 */
		fraction += MICROSECONDS;
		seconds--;
	}
	if (write_utc(seconds, ret))
		snprintf(ret + strlen(ret), sizeof(".678901Z"), ".%06dZ", fraction);
}

void utc_text_seconds(time_t time, char ret[UTC_TEXT_SIZE])
{
	if (write_utc(time, ret))
		strcat(ret, "Z");
}

void utc_date(time_t time, char ret[UTC_TEXT_SIZE])
{
	if (write_utc(time, ret))
		*strchr(ret, 'T') = '\0';
}

void utc_date_minutes(time_t time, char ret[UTC_TEXT_SIZE])
{
	if (!write_utc(time, ret))
		return;
	*strchr(ret, 'T') = ' ';
	*strrchr(ret, ':') = '\0';
}
