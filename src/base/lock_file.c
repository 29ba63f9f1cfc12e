#include "cathgate/base/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/durable.h"
#include "folder.h"

#define RETRY_MS 20
#define MODE	 0600

/* Gives the file to the folder's owner, even if root makes it: otherwise that user could
 * not lock it later. */
MUST_USE static int own_lock(int fd, const struct stat *folder)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return -1;
	errno = EPERM;
	if (!S_ISREG(status.st_mode) || status.st_nlink > 1 ||
	    (status.st_uid != geteuid() && status.st_uid != folder->st_uid))
		return -1;
	if (geteuid() == 0 && status.st_uid != folder->st_uid &&
	    fchown(fd, folder->st_uid, folder->st_gid) != 0)
		return -1;
	return (status.st_mode & 07777) == MODE ? 0 : fchmod(fd, MODE);
}

MUST_USE static int open_lock_at(int folder, const char *name)
{
	int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = openat(folder, name, flags, MODE);
	struct stat of_folder;

	if (fd < 0 || (fstat(folder, &of_folder) == 0 && own_lock(fd, &of_folder) == 0))
		return fd;
	return folder_close(fd, -1);
}

static bool is_locked_file(int fd, int folder, const char *name)
{
	struct stat of_lock, of_name;

	return fstat(fd, &of_lock) == 0 &&
	       fstatat(folder, name, &of_name, AT_SYMLINK_NOFOLLOW) == 0 &&
	       of_lock.st_dev == of_name.st_dev && of_lock.st_ino == of_name.st_ino;
}

MUST_USE static int wait_for_lock(int fd, int64_t deadline_ms)
{
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK || clock_ms() >= deadline_ms)
			return -1;
		nanosleep(&(struct timespec){ .tv_nsec = RETRY_MS * 1000000L }, NULL);
	}
	return 0;
}

/* The file may have been removed while this process waited for its lock. Other processes
 * then lock a new file, so a lock on the old one excludes nobody: try again. */
MUST_USE static int take_lock_at(int folder, const char *name, int64_t deadline_ms)
{
	for (;;) {
		int fd = open_lock_at(folder, name);

		if (fd < 0)
			return -1;
		if (wait_for_lock(fd, deadline_ms) != 0)
			return folder_close(fd, -1);
		if (is_locked_file(fd, folder, name))
			return fd;
		close(fd);
	}
}

int lock_file_take(const char *path, int wait_ms)
{
	int64_t deadline_ms = clock_ms() + wait_ms;
	int folder = durable_open_parent(path);

	if (folder < 0)
		return -1;
	return folder_close(folder,
			    take_lock_at(folder, durable_base(path), deadline_ms));
}

bool lock_file_is_there(int lock, const char *path)
{
	return is_locked_file(lock, AT_FDCWD, path);
}
