#include "log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/durable.h"
#include "cathgate/base/lock_file.h"
#include "cathgate/base/log.h"
#include "audit/format/log_names.h"

#define LOG_MODE   0640
#define OPEN_FLAGS (O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK)

/* The file at `path`, made where there is none. */
static int open_or_create(const char *path)
{
	int fd = durable_open_file(path, OPEN_FLAGS);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	/* A dangling link isn't followed: nothing is made where it points. */
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

static bool is_same_file(const struct stat *one, const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

static int take_log_lock(const char *path, int wait_ms)
{
	char at[LOG_NAME_SIZE];
	log_name_lock(at, path);
	int lock = lock_file_take(at, wait_ms);
	if (lock < 0 && errno == EWOULDBLOCK)
		log_error("%s: another process has the audit log locked; stop the other "
			  "gateway, or give this one a log of its own (audit.file)",
			  path);
	else if (lock < 0)
		log_error("%s: the audit log can't be locked: %m; remove this file if "
			  "the gateway's user doesn't own it, and let that user write "
			  "its directory",
			  at);
	return lock;
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
	struct log_file file = { .path = strdup(path), .fd = -1, .lock = -1 };
	if (!file.path)
		goto fail;
	file.lock = take_log_lock(path, wait_ms);
	if (file.lock < 0)
		goto fail;
	file.fd = open_or_create(path);
	if (file.fd < 0)
		log_error("%s: the audit log can't be opened: %m; let the gateway's user "
			  "write this file and its directory",
			  path);
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
	if (file->lock >= 0)
		close(file->lock);
	free(file->path);
	*file = (struct log_file){ .fd = -1, .lock = -1 };
}

int log_file_keep_lock(struct log_file *file)
{
	char at[LOG_NAME_SIZE];
	log_name_lock(at, file->path);
	if (lock_file_is_there(file->lock, at))
		return 0;
	int lock = lock_file_take(at, 0);
	if (lock < 0)
		return -1;
	close(file->lock);
	file->lock = lock;
	return 0;
}

int log_file_begin(struct log_file *file)
{
	struct stat status;
	/* An operator who moves the log away may move its lock with it. */
	if (log_file_keep_lock(file))
		return -1;
	int fd = open(file->path, OPEN_FLAGS | O_CREAT | O_NOFOLLOW, LOG_MODE);
	if (fd < 0) {
		if (errno == ELOOP)
			errno = EEXIST;
		return -1;
	}
	int error = 0;
	if (fstat(fd, &status))
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
	if (file->fd >= 0)
		close(file->fd);
	*file = (struct log_file){ .path = file->path, .fd = fd, .lock = file->lock };
	return 0;
}

enum log_file_state log_file_look(const struct log_file *file)
{
	struct stat open_file, named_file;
	if (stat(file->path, &named_file) || fstat(file->fd, &open_file) ||
	    !is_same_file(&open_file, &named_file))
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
 * sync would answer success for bytes that are gone, and the cache would show them. */
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
	/* The cut is durable before a sender hears that its line isn't there: a power cut
	 * could bring that line back. */
	if (ftruncate(file->fd, file->good_size) || fsync(file->fd))
		return LOG_FILE_UNKNOWN;
	file->size = file->good_size;
	return LOG_FILE_DONE;
}
