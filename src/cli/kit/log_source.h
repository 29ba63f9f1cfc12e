/*
 * The lines that a command reads: those of the files that were named, one after the
 * other, or of the configuration's log with its rotated files. Complains about what can't
 * be read, and names the cure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cathgate/audit/log_reader.h"
#include "cathgate/base/must_use.h"
#include "progress.h"

struct log_source {
	char **files; /* NULL: the log at `path` is read */
	size_t file_count, file_at;
	char *path;
	char *first; /* the file of that log to begin with; NULL: the first there is */
	uint64_t first_seq; /* its first line's number */
	struct log_reader *reader;
	struct progress progress; /* all zero: not shown */
};

/* The path of the log that the configuration names (`config` NULL: the installed one),
 * which the caller frees; NULL after saying what is wrong. Where the configuration has
 * audit messages, one is written that tells that the log is read. */
MUST_USE char *log_source_default(const char *config);

/* `files` must live as long. Files that can't hold a line of `since` or later
 * (log_source_skip) are left out; MOMENT_NONE: none is. 0, or -1 after saying what is
 * wrong. */
MUST_USE int log_source_open(struct log_source *source, char **files, size_t file_count,
			     const char *config, int64_t since);
/* The same for the log whose live file is `path`, with its rotated ones. */
MUST_USE int log_source_open_log(struct log_source *source, const char *path,
				 int64_t since);
void log_source_close(struct log_source *source);
/* Goes back to the first line. 0, or -1 after saying what is wrong. */
MUST_USE int log_source_rewind(struct log_source *source);

/* From here to log_source_close, log_source_next shows how far it is with what is to be
 * read `passes` times. Nothing else may be printed until then. */
void log_source_show_progress(struct log_source *source, unsigned passes);

/* How many of these files, oldest first, hold no line of `since` or later.
 *
 * The times of their first and last lines tell, as far as they ascend from the oldest
 * file on: where they don't, the clock was set back there, and no file is left out from
 * there on. Within a file the clock may have been ahead, too, but by less than
 * rotate_hours: a clock that leaps by more begins a new file at once, whose first line
 * shows it. So a file is left out only when its last line is a week older than `since`.
 */
size_t log_source_skip(char *const *files, size_t count, int64_t since);

/* As log_reader_next. A failure has been complained about. There is no LOG_READER_GAP
 * between files that were named. */
enum log_reader_result log_source_next(struct log_source *source,
				       struct log_reader_line *ret);

/* Complains that a log can't be read, because of errno. */
void log_source_complain(const char *path);
