#include "log_tail.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/clock.h"
#include "cathgate/digest.h"
#include "cathgate/log.h"
#include "record.h"

#define CHUNK_SIZE 65536

static_assert(RECORD_LINE_MAX < CHUNK_SIZE, "a last line must fit one chunk");

int log_tail_sync_directory(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int result = fd >= 0 ? fsync(fd) : -1;
	if (result)
		log_error("%s: its directory can't be synced: %m", path);
	if (fd >= 0)
		close(fd);
	free(copy);
	return result;
}

/* Reads exactly `size` bytes. */
static int read_at(int fd, char *to, size_t size, off_t at)
{
	while (size > 0) {
		ssize_t got = pread(fd, to, size, at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		to += got;
		at += got;
		size -= (size_t)got;
	}
	return 0;
}

/* The offset just behind the last newline before `end`; 0 when there is none. */
static int find_line_end(int fd, off_t end, off_t *ret)
{
	char chunk[CHUNK_SIZE];
	while (end > 0) {
		size_t size = end < CHUNK_SIZE ? (size_t)end : CHUNK_SIZE;
		off_t at = end - (off_t)size;
		if (read_at(fd, chunk, size, at))
			return -1;
		const char *newline = memrchr(chunk, '\n', size);
		if (newline) {
			*ret = at + (newline - chunk) + 1;
			return 0;
		}
		end = at;
	}
	*ret = 0;
	return 0;
}

/* The number behind that of the last line, which ends with the newline before `end`. */
static int read_next_seq(int fd, const char *path, off_t end, uint64_t *ret)
{
	char chunk[CHUNK_SIZE];
	size_t size = end < CHUNK_SIZE ? (size_t)end : CHUNK_SIZE;
	if (read_at(fd, chunk, size, end - (off_t)size)) {
		log_error("%s: the audit log can't be read: %m", path);
		return -1;
	}
	size--;
	const char *newline = memrchr(chunk, '\n', size);
	const char *line = newline ? newline + 1 : chunk;
	uint64_t seq;
	if (record_seq(line, (size_t)(chunk + size - line), &seq)) {
		log_error("%s: its last line is no line of an audit log; move the file "
			  "aside (keep it: it is evidence) and start again",
			  path);
		return -1;
	}
	*ret = seq + 1;
	return 0;
}

static int write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, bytes, size);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		bytes += written;
		size -= (size_t)written;
	}
	return 0;
}

static int copy_hashed(int from, off_t at, off_t end, int to, struct digest *digest)
{
	char chunk[CHUNK_SIZE];
	while (at < end) {
		size_t size = end - at < CHUNK_SIZE ? (size_t)(end - at) : CHUNK_SIZE;
		if (read_at(from, chunk, size, at) || write_all(to, chunk, size) ||
		    digest_update(digest, chunk, size))
			return -1;
		at += (off_t)size;
	}
	return 0;
}

/* "…/audit.torn-20260131T120000.123456Z" for "…/audit.jsonl": the time without the
 * characters that other systems don't take in names. */
static char *torn_path(const char *path)
{
	static const char suffix[] = ".jsonl";
	size_t length = strlen(path);
	if (length > sizeof(suffix) - 1 &&
	    strcmp(path + length - (sizeof(suffix) - 1), suffix) == 0)
		length -= sizeof(suffix) - 1;
	char time[CLOCK_UTC_SIZE], *to = time;
	clock_utc(time);
	for (const char *from = time; *from; from++) {
		if (*from != '-' && *from != ':')
			*to++ = *from;
	}
	*to = '\0';
	char *torn;
	return asprintf(&torn, "%.*s.torn-%s", (int)length, path, time) < 0 ? NULL : torn;
}

static int copy_torn(int fd, off_t at, off_t end, const char *torn, char *ret_sha256)
{
	uint8_t sha256[DIGEST_SIZE];
	struct digest *digest = digest_new();
	int copy = open(torn, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	int result = -1;
	if (!digest || copy < 0 || fchmod(copy, 0640) || digest_start(digest) ||
	    copy_hashed(fd, at, end, copy, digest) || digest_finish(digest, sha256) ||
	    fsync(copy))
		goto out;
	digest_hex(sha256, sizeof(sha256), ret_sha256);
	result = 0;
out:
	if (result) {
		log_error(
			"%s: the torn end of the audit log can't be saved here: %m; let "
			"the gateway's user write in this directory, and free space",
			torn);
		/* Half a copy would be mistaken for the whole. */
		if (copy >= 0)
			unlink(torn);
	}
	if (copy >= 0)
		close(copy);
	digest_free(digest);
	return result;
}

static int move_torn(int fd, const char *path, off_t at, off_t end, struct log_tail *ret)
{
	int result = -1;
	char sha256[DIGEST_HEX_SIZE];
	char *torn = torn_path(path);
	if (!torn || copy_torn(fd, at, end, torn, sha256) ||
	    log_tail_sync_directory(path))
		goto out;
	if (ftruncate(fd, at) || fsync(fd)) {
		log_error("%s: the torn end can't be cut off: %m", path);
		goto out;
	}
	snprintf(ret->note, sizeof(ret->note),
		 "%" PRIdMAX " bytes of a torn line, SHA-256 %s, moved to %s",
		 (intmax_t)(end - at), sha256, basename(torn));
	log_warning("%s: %s", path, ret->note);
	result = 0;
out:
	free(torn);
	return result;
}

int log_tail_mend(int fd, const char *path, struct log_tail *ret)
{
	struct stat status;
	struct log_tail tail = { .size = 0 };
	if (fstat(fd, &status) || find_line_end(fd, status.st_size, &tail.size)) {
		log_error("%s: the audit log can't be read: %m", path);
		return -1;
	}
	/* First this: a file that is no audit log is left as it is. */
	if (tail.size > 0 && read_next_seq(fd, path, tail.size, &tail.next_seq))
		return -1;
	if (tail.size < status.st_size &&
	    move_torn(fd, path, tail.size, status.st_size, &tail))
		return -1;
	*ret = tail;
	return 0;
}
