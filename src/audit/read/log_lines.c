#include "log_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_SIZE (4 * LOG_LINES_MAX)

int log_lines_open(const char *path, struct stat *ret_identity)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -1;
	if (fstat(fd, ret_identity) == 0) {
		if (S_ISREG(ret_identity->st_mode))
			return fd;
		errno = S_ISDIR(ret_identity->st_mode) ? EISDIR : EINVAL;
	}
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

enum log_lines_result log_lines_peek(struct log_lines *lines, const char **ret,
				     size_t *ret_size)
{
	const char *line = lines->buffer + lines->at;
	const char *newline = lines->filled > lines->at
				      ? memchr(line, '\n', lines->filled - lines->at)
				      : NULL;
	if (!newline)
		return LOG_LINES_NONE;
	*ret = line;
	*ret_size = (size_t)(newline - line);
	return lines->is_skipping || *ret_size > LOG_LINES_MAX ? LOG_LINES_TOO_LONG
							       : LOG_LINES_LINE;
}

void log_lines_pass(struct log_lines *lines, size_t size)
{
	lines->at += size + 1;
	lines->offset += (off_t)size + 1;
	lines->number++;
	lines->is_skipping = false;
}

int log_lines_fill(struct log_lines *lines)
{
	if (!lines->buffer && !(lines->buffer = malloc(BUFFER_SIZE)))
		return -1;
	for (;;) {
		/* From the line's beginning: half a line may have been taken back. */
		ssize_t got = pread(lines->fd, lines->buffer, BUFFER_SIZE, lines->offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		lines->at = 0;
		lines->filled = (size_t)got;
		if (memchr(lines->buffer, '\n', lines->filled))
			return 1;
		if (lines->filled < BUFFER_SIZE)
			return 0;
		lines->is_skipping = true;
		lines->offset += BUFFER_SIZE;
	}
}

void log_lines_seek(struct log_lines *lines, off_t offset, uint64_t number)
{
	lines->at = lines->filled = 0;
	lines->offset = offset;
	lines->number = number;
	lines->is_skipping = false;
}
