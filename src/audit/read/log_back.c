#include "log_back.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/audit/log_reader.h"
#include "log_lines.h"
#include "audit/format/record.h"

/* A line and its newlines fit, and many lines of the usual length. */
#define BUFFER_SIZE (2 * LOG_LINES_MAX)

/* Reads what stands before that place: less if the file was cut meanwhile. */
static int load_before(struct log_back *back, off_t before)
{
	ssize_t got;
	if (!back->buffer && !(back->buffer = malloc(BUFFER_SIZE)))
		return -1;
	back->start = before > BUFFER_SIZE ? before - BUFFER_SIZE : 0;
	do
		got = pread(back->fd, back->buffer, (size_t)(before - back->start),
			    back->start);
	while (got < 0 && errno == EINTR);
	back->filled = got > 0 ? (size_t)got : 0;
	return got < 0 ? -1 : 0;
}

static bool buffer_holds(const struct log_back *back, off_t from, off_t to)
{
	return back->buffer && from >= back->start &&
	       to <= back->start + (off_t)back->filled;
}

/* Where the last newline before that place stands; -1 where there is none. */
static int find_newline(struct log_back *back, off_t before, off_t *ret)
{
	while (before > 0) {
		if (!buffer_holds(back, before - 1, before) && load_before(back, before))
			return -1;
		if (!buffer_holds(back, before - 1, before))
			break;
		const char *newline =
			memrchr(back->buffer, '\n', (size_t)(before - back->start));
		if (newline) {
			*ret = back->start + (newline - back->buffer);
			return 0;
		}
		before = back->start;
	}
	*ret = -1;
	return 0;
}

int log_back_begin(struct log_back *back, int fd, off_t before)
{
	*back = (struct log_back){ .fd = fd };
	return find_newline(back, before, &back->end);
}

void log_back_end(struct log_back *back)
{
	free(back->buffer);
	back->buffer = NULL;
}

int log_back_next(struct log_back *back, const char **ret, size_t *ret_size,
		  off_t *ret_offset)
{
	while (back->end >= 0) {
		off_t end = back->end, start;
		if (find_newline(back, end, &back->end))
			return -1;
		start = back->end + 1;
		if (end - start > LOG_LINES_MAX)
			continue;
		if (!buffer_holds(back, start, end) && load_before(back, end))
			return -1;
		if (!buffer_holds(back, start, end))
			return 0;
		*ret = back->buffer + (start - back->start);
		*ret_size = (size_t)(end - start);
		*ret_offset = start;
		return 1;
	}
	return 0;
}

/* Skips them within the buffer, because a file may hold millions of empty lines. */
static void skip_empty(struct log_back *back)
{
	while (buffer_holds(back, back->end - 1, back->end) &&
	       back->buffer[back->end - 1 - back->start] == '\n')
		back->end--;
}

int log_reader_backwards(const char *path, log_reader_visitor *visit, void *context)
{
	struct log_reader_line line = { .file = path };
	struct stat status;
	struct log_back back = { .buffer = NULL };
	off_t offset;
	int fd = log_lines_open(path, &status), got = -1;
	if (fd < 0)
		return -1;
	if (log_back_begin(&back, fd, status.st_size) == 0) {
		do {
			skip_empty(&back);
			got = log_back_next(&back, &line.text, &line.size, &offset);
		} while (got == 1 && (record_seq(line.text, line.size, &line.seq) != 0 ||
				      visit(context, &line, offset)));
	}
	int error = errno;
	log_back_end(&back);
	close(fd);
	errno = error;
	return got < 0 ? -1 : 0;
}
