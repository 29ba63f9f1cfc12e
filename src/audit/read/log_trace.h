/*
 * Remembers the last lines that were read of a file, to tell later whether they still
 * stand there: the writer takes back what it couldn't finish, and an operator may put
 * another file in the log's place.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* More lines than a writer takes back at once. */
#define LOG_TRACE_LINES 2048

struct log_trace_line {
	off_t end;	 /* behind its newline */
	uint64_t number; /* from 1 */
	uint64_t hash;	 /* of its bytes without the newline */
	size_t size;	 /* of these */
};

struct log_trace {
	struct log_trace_line lines[LOG_TRACE_LINES]; /* a ring */
	size_t newest, count;
};

void log_trace_add(struct log_trace *trace, const char *line, size_t size, off_t end,
		   uint64_t number);

/* The newest of them that stands in that file; NULL when none does. */
const struct log_trace_line *log_trace_find(const struct log_trace *trace, int fd);
bool log_trace_newest_stands(const struct log_trace *trace, int fd);
/* Forgets the lines that are newer than `line`, which is one of them; all if it is NULL.
 * Returns whether there were any. */
bool log_trace_cut(struct log_trace *trace, const struct log_trace_line *line);
