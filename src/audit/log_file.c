#include "log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cathgate/clock.h"
#include "cathgate/log.h"
#include "log_tail.h"

#define LOG_MODE      0640
#define LOCK_RETRY_MS 20

/* The file at `path`, made where there is none. */
static int open_or_create(const char *path)
{
	int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC);
	if (fd >= 0 || errno != ENOENT)
		goto out;
	fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_CREAT, LOG_MODE);
	/* Whatever the umask: the group may read it, others may not. */
	if (fd >= 0 && (fchmod(fd, LOG_MODE) || log_tail_sync_directory(path))) {
		close(fd);
		return -1;
	}
out:
	if (fd < 0)
		log_error("%s: the audit log can't be opened: %m; let the gateway's user "
			  "write this file and its directory",
			  path);
	return fd;
}

static bool is_at_path(int fd, const char *path)
{
	struct stat open_file, named_file;
	return fstat(fd, &open_file) == 0 && stat(path, &named_file) == 0 &&
	       open_file.st_dev == named_file.st_dev &&
	       open_file.st_ino == named_file.st_ino;
}

/* Returns the file locked and still at its path: the one who held the lock before may
 * have renamed it. */
static int open_locked(const char *path, int wait_ms)
{
	int64_t deadline_ms = clock_ms() + wait_ms;
	for (;;) {
		int fd = open_or_create(path);
		if (fd < 0)
			return -1;
		while (flock(fd, LOCK_EX | LOCK_NB)) {
			if ((errno != EWOULDBLOCK && errno != EINTR) ||
			    clock_ms() >= deadline_ms) {
				log_error(
					"%s: another process has the audit log locked; "
					"stop the other gateway, or give this one a log "
					"of its own (audit.file)",
					path);
				close(fd);
				return -1;
			}
			nanosleep(
				&(struct timespec){ .tv_nsec = LOCK_RETRY_MS * 1000000L },
				NULL);
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
	/* After a failed sync the cache may show bytes that the disk never got. Let it
	 * go, as far as the kernel follows, so that what is read next is what is there.
	 */
	if (fsync(file.fd))
		log_warning("%s: the audit log can't be synced: %m", path);
	posix_fadvise(file.fd, 0, 0, POSIX_FADV_DONTNEED);
	struct log_tail tail;
	if (log_tail_mend(file.fd, path, &tail))
		goto fail;
	file.good_size = file.size = tail.size;
	file.next_seq = tail.next_seq;
	memcpy(file.note, tail.note, sizeof(file.note));
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

/* The log was moved away or removed: goes on in a new one. */
static enum log_file_result reopen(struct log_file *file)
{
	struct log_file fresh;
	if (log_file_open(file->path, 0, &fresh))
		return LOG_FILE_REFUSED;
	if (fresh.size == 0)
		fresh.next_seq = file->next_seq;
	char torn[sizeof(fresh.note)];
	memcpy(torn, fresh.note, sizeof(torn));
	snprintf(fresh.note, sizeof(fresh.note),
		 "the log was moved or removed in use, with the lines before %" PRIu64
		 "%s%.150s",
		 file->next_seq, torn[0] ? "; " : "", torn);
	log_warning("%s: %s", file->path, fresh.note);
	log_file_close(file);
	*file = fresh;
	return LOG_FILE_DONE;
}

enum log_file_result log_file_follow(struct log_file *file)
{
	if (!is_at_path(file->fd, file->path))
		return reopen(file);
	struct stat status;
	if (fstat(file->fd, &status) == 0 && status.st_size == file->size)
		return LOG_FILE_DONE;
	log_error(
		"%s: another program changed the audit log; find out which, and keep it "
		"from doing so",
		file->path);
	return LOG_FILE_UNKNOWN;
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

enum log_file_result log_file_commit(struct log_file *file, uint64_t line_count)
{
	if (fdatasync(file->fd)) {
		/* The kernel reports this once and may then call the lost pages clean: a
		 * second fdatasync would answer success for bytes that are gone, and so
		 * would reading them back. Only a new opening, which drops the cache,
		 * learns what the disk holds. */
		log_error("%s: the audit log can't be made durable: %m; look at the disk "
			  "and its file system",
			  file->path);
		return LOG_FILE_UNKNOWN;
	}
	file->good_size = file->size;
	file->next_seq += line_count;
	return LOG_FILE_DONE;
}

enum log_file_result log_file_undo(struct log_file *file)
{
	if (file->size == file->good_size)
		return LOG_FILE_DONE;
	if (ftruncate(file->fd, file->good_size)) {
		log_error("%s: half a line can't be cut off: %m", file->path);
		return LOG_FILE_UNKNOWN;
	}
	file->size = file->good_size;
	return LOG_FILE_DONE;
}
