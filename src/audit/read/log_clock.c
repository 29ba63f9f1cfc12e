#include "cathgate/audit/log_clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "audit/format/log_names.h"

#define TEXT_SIZE 96
#define FORMAT	  "believed %jd ahead_ms %" PRId64 "\n"

int log_clock_read(const char *log_path, struct log_clock *ret)
{
	char path[LOG_NAME_SIZE], text[TEXT_SIZE];
	intmax_t known;
	int64_t ahead_ms;
	log_name(path, log_path, ".clock");
	if (log_get_file(path, text, sizeof(text)) < 0)
		return -1;
	if (sscanf(text, "believed %jd ahead_ms %" SCNd64, &known, &ahead_ms) != 2 ||
	    known <= 0 || ahead_ms < 0) {
		errno = EBADMSG;
		return -1;
	}
	*ret = (struct log_clock){ .known = (time_t)known, .ahead_ms = ahead_ms };
	return 0;
}

int log_clock_write(const char *log_path, const struct log_clock *clock)
{
	char path[LOG_NAME_SIZE], text[TEXT_SIZE];
	int size = snprintf(text, sizeof(text), FORMAT, (intmax_t)clock->known,
			    clock->ahead_ms);
	log_name(path, log_path, ".clock");
	return log_put_file(path, text, (size_t)size);
}

time_t log_clock_time(const char *log_path)
{
	/* How far the file may lag behind between two writes. */
	const time_t behind = LOG_CLOCK_LEAP_SECONDS + LOG_CLOCK_SAVE_MS / 1000;
	struct log_clock clock;
	time_t now = time(NULL);
	if (log_clock_read(log_path, &clock) == 0 && now > clock.known + behind)
		return clock.known;
	return now;
}
