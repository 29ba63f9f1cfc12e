/*
 * Gives a file's lines, in constant memory, and at last what stands behind the last
 * newline. Another process may be appending.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"

struct line_stream {
	int fd;
	int patience_ms; /* how long an unfinished line may still become whole */
	char *buffer;
	size_t start, end; /* of what is in the buffer and was not given yet */
	uint64_t offset;   /* of buffer[start] in the file */
	uint64_t number;   /* of lines given */
	void (*progress)(void *context, uint64_t bytes);
	void *context;
};

enum line_stream_result {
	LINE_STREAM_LINE,
	LINE_STREAM_TOO_LONG, /* passed over but for its first bytes */
	LINE_STREAM_PARTIAL,  /* what stands behind the last newline */
	LINE_STREAM_END,
	LINE_STREAM_FAILED /* errno */
};

struct line_stream_line {
	const char *text; /* without newline; until the next call */
	size_t size;
	uint64_t offset, number; /* from 1 */
};

/* From `offset` on, behind `number` lines. -1 without memory. */
MUST_USE int line_stream_open(int fd, uint64_t offset, uint64_t number,
			      struct line_stream *ret);
void line_stream_close(struct line_stream *lines);

MUST_USE enum line_stream_result line_stream_next(struct line_stream *lines,
						  struct line_stream_line *ret);
