#include "log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cathgate/clock.h"
#include "cathgate/log.h"
#include "log_names.h"

#define LOG_MODE      0640
#define LOCK_RETRY_MS 20
#define OPEN_FLAGS    (O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK)

/* The file at `path`, made where there is none. */
static int open_or_create(const char *path)
{
	int fd = open(path, OPEN_FLAGS);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	/* Nothing is made where a link that leads nowhere points. */
	fd = open(path, OPEN_FLAGS | O_CREAT | O_NOFOLLOW, LOG_MODE);
	/* Whatever the umask: the group may read it, others may not. */
	if (fd >= 0 && (fchmod(fd, LOG_MODE) || log_sync_directory(path))) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static bool is_same(const struct stat *one, const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

static bool is_at_path(int fd, const char *path)
{
	struct stat open_file, named_file;
	return fstat(fd, &open_file) == 0 && stat(path, &named_file) == 0 &&
	       is_same(&open_file, &named_file);
}

static int lock(int fd, const char *path, int64_t deadline_ms)
{
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if ((errno != EWOULDBLOCK && errno != EINTR) ||
		    clock_ms() >= deadline_ms) {
			log_error("%s: another process has the audit log locked; stop "
				  "the other gateway, or give this one a log of its own "
				  "(audit.file)",
				  path);
			return -1;
		}
		nanosleep(&(struct timespec){ .tv_nsec = LOCK_RETRY_MS * 1000000L },
			  NULL);
	}
	return 0;
}

/* Returns the file locked and still at its path: the one who held the lock before may
 * have renamed it. */
static int open_locked(const char *path, int wait_ms)
{
	int64_t deadline_ms = clock_ms() + wait_ms;
	for (;;) {
		int fd = open_or_create(path);
		if (fd < 0) {
			log_error("%s: the audit log can't be opened: %m; let the "
				  "gateway's user write this file and its directory",
				  path);
			return -1;
		}
		if (lock(fd, path, deadline_ms)) {
			close(fd);
			return -1;
		}
		if (is_at_path(fd, path))
			return fd;
		close(fd);
	}
}

static bool is_regular(int fd, const char *path)
{
	struct stat status;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		return true;
	log_error("%s: the audit log is no regular file; name one in audit.file", path);
	return false;
}

int log_file_open(const char *path, int wait_ms, struct log_file *ret)
{
	struct log_file file = { .path = strdup(path), .fd = -1 };
	if (!file.path)
		goto fail;
	file.fd = open_locked(path, wait_ms);
	if (file.fd < 0 || !is_regular(file.fd, path))
		goto fail;
	*ret = file;
	return 0;
fail:
	log_file_close(&file);
	return -1;
}

void log_file_close(struct log_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	free(file->path);
	*file = (struct log_file){ .fd = -1 };
}

int log_file_begin(struct log_file *file)
{
	struct stat status;
	int fd = open(file->path, OPEN_FLAGS | O_CREAT | O_NOFOLLOW, LOG_MODE);
	if (fd < 0) {
		if (errno == ELOOP)
			errno = EEXIST;
		return -1;
	}
	int error = 0;
	if (flock(fd, LOCK_EX | LOCK_NB) || fstat(fd, &status))
		error = errno;
	else if (!S_ISREG(status.st_mode) || status.st_size > 0)
		error = EEXIST;
	else if (fchmod(fd, LOG_MODE) || log_sync_directory(file->path))
		error = errno;
	if (error) {
		close(fd);
		errno = error;
		return -1;
	}
	/* The lock on the old one is let go only now: there is always one. */
	if (file->fd >= 0)
		close(file->fd);
	*file = (struct log_file){ .path = file->path, .fd = fd };
	return 0;
}

enum log_file_state log_file_look(const struct log_file *file)
{
	struct stat open_file, named_file;
	if (stat(file->path, &named_file) || fstat(file->fd, &open_file) ||
	    !is_same(&open_file, &named_file))
		return LOG_FILE_GONE;
	if (open_file.st_size == file->size)
		return LOG_FILE_HERE;
	return open_file.st_size == 0 ? LOG_FILE_EMPTIED : LOG_FILE_CHANGED;
}

enum log_file_result log_file_append(struct log_file *file, const char *bytes,
				     size_t size)
{
	while (size > 0) {
		ssize_t written = write(file->fd, bytes, size);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return LOG_FILE_REFUSED;
		file->size += written;
		bytes += written;
		size -= (size_t)written;
	}
	return LOG_FILE_DONE;
}

/* The kernel reports a failed sync once and may then call the lost pages clean: a second
 * one would answer success for bytes that are gone, and so would reading them back. */
enum log_file_result log_file_commit(struct log_file *file)
{
	if (fdatasync(file->fd))
		return LOG_FILE_UNKNOWN;
	file->good_size = file->size;
	return LOG_FILE_DONE;
}

enum log_file_result log_file_undo(struct log_file *file)
{
	if (file->size == file->good_size)
		return LOG_FILE_DONE;
	/* Durably, before anybody is told that it isn't there: a power cut could bring it
	 * back. */
	if (ftruncate(file->fd, file->good_size) || fsync(file->fd))
		return LOG_FILE_UNKNOWN;
	file->size = file->good_size;
	return LOG_FILE_DONE;
}
