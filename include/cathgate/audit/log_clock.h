/*
 * The time by which old files are removed. A clock that is wrong for some hours must
 * remove nothing, however often the gateway starts. So the auditor believes a clock that
 * has leapt ahead only after it has run with it for a day. FILE.clock beside the log says
 * which time it believes, for other programs that remove files by their age. Without
 * audit.keep_days there is no such file.
 */
#pragma once

#include <stdint.h>
#include <time.h>

#include "cathgate/base/must_use.h"

#define LOG_CLOCK_LEAP_SECONDS 3600 /* less is no leap */
#define LOG_CLOCK_SAVE_MS      3600000

struct log_clock {
	time_t known;	  /* the time, as far as it is believed */
	int64_t ahead_ms; /* for so long the clock has been ahead of it; 0: it isn't */
};

/* Of the log whose live file is `log_path`. -1 with errno; EBADMSG when the file holds
 * something else. */
MUST_USE int log_clock_read(const char *log_path, struct log_clock *ret);
MUST_USE int log_clock_write(const char *log_path, const struct log_clock *clock);

/* The time that other programs go by: never later than the one that the auditor believes.
 * Without such a file it is the clock's. */
time_t log_clock_time(const char *log_path);
