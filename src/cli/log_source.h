/*
 * The lines that a command reads: those of the files that were named, one after the
 * other, or of the configuration's log with its rotated files. What can't be read is said
 * here, with its cure.
 */
#ifndef CLI_LOG_SOURCE_H
#define CLI_LOG_SOURCE_H

#include <stddef.h>

#include "cathgate/log_reader.h"

struct log_source {
	char **files; /* NULL: the log at `path` */
	size_t file_count, file_at;
	char *path;
	struct log_reader *reader;
};

/* The log that the configuration names; NULL after saying why not. `config` NULL: the one
 * that is installed. The caller frees it. Where
 * that has audit messages, one says that the log is read. */
char *log_source_default(const char *config);

/* `files` must live as long. 0, or -1 after saying why not. */
int log_source_open(struct log_source *source, char **files, size_t file_count,
		    const char *config);
void log_source_close(struct log_source *source);

/* As log_reader_next; LOG_READER_FAILED has been said. No gap is said between files that
 * were named. */
enum log_reader_result log_source_next(struct log_source *source,
				       struct log_reader_line *ret);

/* Says that a log can't be read; errno. */
void log_source_complain(const char *path);

#endif
