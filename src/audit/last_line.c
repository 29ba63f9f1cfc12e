#include "last_line.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/log_verify.h"

int last_line_read(int fd, struct digest *digest, char *buffer, struct last_line *ret)
{
	struct stat status;
	struct last_line last;
	if (fstat(fd, &status) || status.st_size == 0)
		return -1;
	size_t size = status.st_size < LOG_VERIFY_LINE_MAX ? (size_t)status.st_size
							   : LOG_VERIFY_LINE_MAX;
	ssize_t got = pread(fd, buffer, size, status.st_size - (off_t)size);
	if (got != (ssize_t)size || buffer[size - 1] != '\n')
		return -1;
	size--;
	const char *before = memrchr(buffer, '\n', size);
	last.text = before ? before + 1 : buffer;
	last.size = size - (size_t)(last.text - buffer);
	if (chain_read(digest, last.text, last.size, &last.chain) || !last.chain.is_sound)
		return -1;
	*ret = last;
	return 0;
}
