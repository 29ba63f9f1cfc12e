#include "line_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/audit/log_verify.h"

/* Small enough that what was read is still in the processor's cache when it is hashed. */
#define CHUNK_SIZE    131072
#define RETRY_MS      20
#define CAPACITY_SIZE (LOG_VERIFY_LINE_MAX + CHUNK_SIZE)

int line_stream_open(int fd, uint64_t offset, uint64_t number, struct line_stream *ret)
{
	char *buffer = malloc(CAPACITY_SIZE);
	if (!buffer)
		return -1;
	*ret = (struct line_stream){
		.fd = fd, .buffer = buffer, .offset = offset, .number = number
	};
	return 0;
}

void line_stream_close(struct line_stream *lines)
{
	free(lines->buffer);
	lines->buffer = NULL;
}

/* Reads on behind what the buffer holds. Returns how much came, 0 at the file's end. */
static ssize_t fill_buffer(struct line_stream *lines)
{
	size_t held = lines->end - lines->start;
	if (CAPACITY_SIZE - lines->end < CHUNK_SIZE) {
		memmove(lines->buffer, lines->buffer + lines->start, held);
		lines->start = 0;
		lines->end = held;
	}
	ssize_t got;
	do
		got = pread(lines->fd, lines->buffer + lines->end, CHUNK_SIZE,
			    (off_t)(lines->offset + held));
	while (got < 0 && errno == EINTR);
	if (got > 0) {
		lines->end += (size_t)got;
		if (lines->progress)
			lines->progress(lines->context, (uint64_t)got);
	}
	return got;
}

static void skip_bytes(struct line_stream *lines, size_t size)
{
	lines->start += size;
	lines->offset += size;
}

/* Passes a line that is too long, up to its newline, and keeps only its first bytes. */
static enum line_stream_result pass_over(struct line_stream *lines,
					 struct line_stream_line *ret)
{
	ret->text = lines->buffer;
	ret->size = 4096;
	memmove(lines->buffer, lines->buffer + lines->start, ret->size);
	for (;;) {
		const char *at = lines->buffer + lines->start;
		const char *newline = memchr(at, '\n', lines->end - lines->start);
		if (newline) {
			skip_bytes(lines, (size_t)(newline - at) + 1);
			lines->number++;
			return LINE_STREAM_TOO_LONG;
		}
		lines->offset += lines->end - lines->start;
		lines->start = lines->end = ret->size;
		ssize_t got = fill_buffer(lines);
		if (got <= 0)
			return got < 0 ? LINE_STREAM_FAILED : LINE_STREAM_TOO_LONG;
	}
}

/* The line's writer may be about to finish it, or to take it back. */
static bool may_wait(struct line_stream *lines, int64_t *deadline_ms)
{
	if (*deadline_ms == 0)
		*deadline_ms = clock_ms() + lines->patience_ms;
	if (clock_ms() >= *deadline_ms)
		return false;
	nanosleep(&(struct timespec){ .tv_nsec = RETRY_MS * 1000000L }, NULL);
	lines->end = lines->start;
	return true;
}

enum line_stream_result line_stream_next(struct line_stream *lines,
					 struct line_stream_line *ret)
{
	size_t searched = 0;
	int64_t deadline_ms = 0;
	ret->number = lines->number + 1;
	ret->offset = lines->offset;
	for (;;) {
		const char *at = lines->buffer + lines->start;
		size_t held = lines->end - lines->start;
		const char *newline = memchr(at + searched, '\n', held - searched);
		if (newline) {
			ret->text = at;
			ret->size = (size_t)(newline - at);
			skip_bytes(lines, ret->size + 1);
			lines->number++;
			return LINE_STREAM_LINE;
		}
		if (held >= LOG_VERIFY_LINE_MAX)
			return pass_over(lines, ret);
		searched = held;
		ssize_t got = fill_buffer(lines);
		if (got < 0)
			return LINE_STREAM_FAILED;
		if (got > 0)
			continue;
		if (held == 0)
			return LINE_STREAM_END;
		if (may_wait(lines, &deadline_ms)) {
			searched = 0;
			continue;
		}
		ret->text = lines->buffer + lines->start;
		ret->size = held;
		skip_bytes(lines, held);
		return LINE_STREAM_PARTIAL;
	}
}
