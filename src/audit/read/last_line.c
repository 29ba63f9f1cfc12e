#include "last_line.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/audit/log_verify.h"

#define TAIL_SIZE 4096 /* most last lines are shorter */

/* Reads the last `room` bytes of the file, or all. Returns where the last line begins;
 * NULL if that isn't among them. */
static const char *read_tail(int fd, char *buffer, off_t file_size, size_t room,
			     size_t *ret_size)
{
	size_t size = file_size < (off_t)room ? (size_t)file_size : room;
	ssize_t got = pread(fd, buffer, size, file_size - (off_t)size);
	if (size == 0 || got != (ssize_t)size || buffer[size - 1] != '\n')
		return NULL;
	const char *before = memrchr(buffer, '\n', size - 1);
	if (!before && (off_t)size < file_size)
		return NULL;
	const char *line = before ? before + 1 : buffer;
	*ret_size = size - 1 - (size_t)(line - buffer);
	return line;
}

int last_line_read(int fd, struct digest *digest, char *buffer, struct last_line *ret)
{
	struct stat status;
	struct last_line last;
	if (fstat(fd, &status))
		return -1;
	last.text = read_tail(fd, buffer, status.st_size, TAIL_SIZE, &last.size);
	if (!last.text)
		last.text = read_tail(fd, buffer, status.st_size, LOG_VERIFY_LINE_MAX,
				      &last.size);
	if (!last.text || chain_read(digest, last.text, last.size, &last.chain) ||
	    !last.chain.is_sound)
		return -1;
	*ret = last;
	return 0;
}
