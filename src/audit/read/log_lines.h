/*
 * The whole lines of one file, in constant memory, however long they are. The file may
 * grow meanwhile. Half a line is read anew from its beginning, since the writer may take
 * it back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "cathgate/base/must_use.h"

/* Above the longest line that is ever written. */
#define LOG_LINES_MAX (64 * 1024)

struct log_lines {
	int fd;
	char *buffer;	   /* NULL until it is needed */
	size_t at, filled; /* of the buffer */
	off_t offset;	   /* in the file, of the line that is next */
	uint64_t number;   /* of lines before that */
	bool is_skipping;  /* within a line that is too long */
};

enum log_lines_result {
	LOG_LINES_LINE,
	LOG_LINES_TOO_LONG, /* a whole line of more than LOG_LINES_MAX, to be passed */
	LOG_LINES_NONE	    /* no whole line in the buffer: fill it */
};

/* Opens a file of a log for reading, and no other kind of file; -1 with errno. */
MUST_USE int log_lines_open(const char *path, struct stat *ret_identity);

/* The next line, which stays the next until log_lines_pass. */
MUST_USE enum log_lines_result log_lines_peek(struct log_lines *lines, const char **ret,
					      size_t *ret_size);
void log_lines_pass(struct log_lines *lines, size_t size);

/* Reads on: 1 with a whole line, 0 when the file ends before it, -1 with errno. */
MUST_USE int log_lines_fill(struct log_lines *lines);

/* Goes to where a line begins, behind `number` others. Forgets what was read. */
void log_lines_seek(struct log_lines *lines, off_t offset, uint64_t number);
