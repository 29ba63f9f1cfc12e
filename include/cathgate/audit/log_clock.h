/*
 * By which time old files go. A clock that is wrong for some hours must remove nothing,
 * at however many starts. So the auditor believes one that has leapt ahead only after it
 * has run with it for a day, and keeps in FILE.clock beside the log how far it has come:
 * whoever else removes files by their age goes by that, too. Without audit.keep_days
 * there is no such file.
 */
#ifndef CATHGATE_LOG_CLOCK_H
#define CATHGATE_LOG_CLOCK_H

#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LOG_CLOCK_LEAP_SECONDS 3600 /* less is no leap */
#define LOG_CLOCK_SAVE_MS      3600000

struct log_clock {
	time_t known;	  /* the time, as far as it is believed */
	int64_t ahead_ms; /* for so long the clock has been ahead of it; 0: it isn't */
};

/* Of the log whose live file is `log_path`. -1 with errno; EBADMSG when the file holds
 * something else. */
int log_clock_read(const char *log_path, struct log_clock *ret);
int log_clock_write(const char *log_path, const struct log_clock *clock);

/* The time that a reader of the file goes by: never later than the one that the auditor
 * believes. Where there is no file, the clock's. */
time_t log_clock_time(const char *log_path);

#ifdef __cplusplus
}
#endif

#endif
