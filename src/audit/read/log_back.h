/*
 * The whole lines of one file from its last to its first, in constant memory: questions
 * about a log's end cost no reading of its beginning.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cathgate/base/must_use.h"

struct log_back {
	int fd;
	char *buffer; /* NULL until it is needed */
	off_t start;  /* in the file, of the buffer */
	size_t filled;
	off_t end; /* of the line that is next: where its newline stands; -1: none */
};

/* Begins with the last line that ends before `before`. `fd` stays the caller's. 0, or -1
 * with errno. */
MUST_USE int log_back_begin(struct log_back *back, int fd, off_t before);
void log_back_end(struct log_back *back);

/* 1 and a line, without its newline, of at most LOG_LINES_MAX bytes (longer ones are
 * passed over); 0 at the file's beginning; -1 with errno. */
MUST_USE int log_back_next(struct log_back *back, const char **ret, size_t *ret_size,
			   off_t *ret_offset);
