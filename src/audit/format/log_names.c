#include "log_names.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/durable.h"
#include "decimal.h"

#define FILE_MODE 0640
#define AGAIN_MAX 999999

static const char suffix[] = ".jsonl";

const char *log_name_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* Without the suffix; a file that is called just `.jsonl` keeps it. */
static size_t stem_length(const char *path)
{
	size_t length = strlen(path), tail = sizeof(suffix) - 1;
	return strlen(log_name_base(path)) > tail &&
			       strcmp(path + length - tail, suffix) == 0
		       ? length - tail
		       : length;
}

void log_name(char ret[LOG_NAME_SIZE], const char *path, const char *format, ...)
{
	size_t length = stem_length(path);
	va_list arguments;
	if (length >= LOG_NAME_SIZE)
		length = LOG_NAME_SIZE - 1;
	memcpy(ret, path, length);
	va_start(arguments, format);
	vsnprintf(ret + length, LOG_NAME_SIZE - length, format, arguments);
	va_end(arguments);
}

void log_name_lock(char ret[LOG_NAME_SIZE], const char *path)
{
	log_name(ret, path, ".lock");
}

void log_name_stamp_of(const char *time, char ret[LOG_STAMP_SIZE])
{
	for (const char *from = time; *from; from++) {
		if (*from != '-' && *from != ':')
			*ret++ = *from;
	}
	*ret = '\0';
}

void log_name_stamp(char ret[LOG_STAMP_SIZE])
{
	char time[UTC_TEXT_SIZE];
	clock_utc(time);
	log_name_stamp_of(time, ret);
}

void log_name_rotated(char ret[LOG_NAME_SIZE], const char *path,
		      const struct log_rotated *rotated, const char *tail)
{
	if (rotated->again)
		log_name(ret, path, "-%" PRIu64 ".%u%s", rotated->first_seq,
			 rotated->again, tail);
	else
		log_name(ret, path, "-%" PRIu64 "%s", rotated->first_seq, tail);
}

bool log_name_read_rotated(const char *name, const char *path, const char *tail,
			   struct log_rotated *ret)
{
	const char *base = log_name_base(path);
	const char *end = name + strlen(name);
	size_t stem = stem_length(base);
	uint64_t first_seq, again = 0;
	if (strncmp(name, base, stem) != 0 || name[stem] != '-' ||
	    !(name = decimal_read(name + stem + 1, end, &first_seq)))
		return false;
	if (name[0] == '.' && name[1] >= '1' && name[1] <= '9' &&
	    (!(name = decimal_read(name + 1, end, &again)) || again > AGAIN_MAX))
		return false;
	*ret = (struct log_rotated){ .first_seq = first_seq, .again = (unsigned)again };
	return strcmp(name, tail) == 0;
}

void log_name_directory(const char *path, char ret[LOG_NAME_SIZE])
{
	size_t length = (size_t)(log_name_base(path) - path);
	snprintf(ret, LOG_NAME_SIZE, "%.*s", length ? (int)length : 1,
		 length ? path : ".");
}

DIR *log_open_directory(const char *path)
{
	char directory[LOG_NAME_SIZE];
	log_name_directory(path, directory);
	return opendir(directory);
}

int log_sync_directory(const char *path)
{
	int directory = durable_open_parent(path);
	int result = directory >= 0 ? durable_sync_at(directory) : -1;
	int error = errno;
	if (directory >= 0)
		close(directory);
	errno = error;
	return result;
}

int log_rename(const char *from, const char *to)
{
	return durable_move_at(AT_FDCWD, from, AT_FDCWD, to);
}

int log_rename_rotated(const char *path, uint64_t first_seq, struct log_rotated *ret)
{
	struct log_rotated rotated = { .first_seq = first_seq };
	for (; rotated.again < 1000; rotated.again++) {
		char name[LOG_NAME_SIZE];
		log_name_rotated(name, path, &rotated, suffix);
		if (log_rename(path, name) == 0) {
			*ret = rotated;
			return 0;
		}
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

int log_put_file(const char *path, const char *text, size_t size)
{
	const struct durable_owner own = { (uid_t)-1, (gid_t)-1, FILE_MODE };
	return durable_put(path, DURABLE_REPLACE_OWN, text, size, &own);
}

long log_get_file(const char *path, char *ret, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	size_t size = 0;
	ssize_t got;
	while ((got = read(fd, ret + size, room - size)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		size += got > 0 ? (size_t)got : 0;
		if (got < 0 || size == room)
			break;
	}
	int error = got < 0 ? errno : EFBIG;
	close(fd);
	if (got != 0) {
		errno = error;
		return -1;
	}
	ret[size] = '\0';
	return (long)size;
}

int log_get_note(const char *path, struct checkpoint *ret)
{
	char text[CHECKPOINT_TEXT_SIZE];
	long size = log_get_file(path, text, sizeof(text));
	if (size < 0 && errno != EFBIG)
		return -1;
	if (size < 0 || checkpoint_read_note(text, (size_t)size, ret)) {
		errno = EBADMSG;
		return -1;
	}
	return 0;
}
