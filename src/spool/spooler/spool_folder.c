#include "spool_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cathgate/base/log.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

/* Its content is none. */
#define MARK "user.cathgate"

/* On these, fsync(2) of a file that was linked before writes the journal's transaction
 * that holds its name as well. Tried on copies of their disks (tests/fault/power_cut.py).
 * Linux's EXT4 also mounts ext3 and ext2. */
static bool has_one_journal(const struct statfs *fs)
{
	switch ((unsigned long)fs->f_type) {
	case EXT4_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case TMPFS_MAGIC:
		return true;
	default:
		return false;
	}
}

/* `errno` says why not. */
static void tell_how_to_write(const char *path)
{
	log_error("the spool's folder %s can't be written: %s; %s", path, strerror(errno),
		  errno == EROFS    ? "unless its disk has failed, name it in "
				      "ReadWritePaths= of the unit (systemctl edit "
				      "cathgated.service), and restart"
		  : errno == ENOSPC ? "free space on its disk"
				    : "make it, and give it to the gateway's user");
}

int spool_folder_open(struct spool_folder *folder, const char *path)
{
	struct statfs fs;

	folder->fd = -1;
	if (mkdir(path, 0700) != 0 && errno != EEXIST) {
		tell_how_to_write(path);
		return -1;
	}
	folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder->fd < 0 || fstatfs(folder->fd, &fs) != 0) {
		log_error("the spool's folder %s: %s", path, strerror(errno));
		spool_folder_close(folder);
		return -1;
	}
	if (flock(folder->fd, LOCK_EX | LOCK_NB) != 0) {
		log_error("the spool's folder %s is in use by another process: only one "
			  "gateway may have it",
			  path);
		spool_folder_close(folder);
		return -1;
	}
	if (faccessat(folder->fd, ".", W_OK, AT_EACCESS) != 0)
		tell_how_to_write(path); /* what is there already can be delivered */
	folder->must_sync = !has_one_journal(&fs);
	folder->must_mark = fs.f_type == EXT4_SUPER_MAGIC;
	return 0;
}

void spool_folder_close(struct spool_folder *folder)
{
	if (folder->fd >= 0)
		close(folder->fd);
	folder->fd = -1;
}

int spool_folder_new_file(const struct spool_folder *folder)
{
	return openat(folder->fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
}

/* An EXT4 with fast commits (mkfs.ext4 -O fast_commit) writes less than the transaction,
 * and finds no file for the name when it reads that again: the object is gone (Linux
 * 6.18). Nothing that the spooler may read tells whether it makes them. They can't hold
 * an attribute, so one that is set in the name's transaction, or later, has fsync(2)
 * write all of it. */
static void mark(struct spool_folder *folder, int file)
{
	if (folder->must_mark && fsetxattr(file, MARK, "", 0, 0) != 0)
		folder->must_sync = true;
}

int spool_folder_link(struct spool_folder *folder, int file, const char *name)
{
	char own[64];

	snprintf(own, sizeof(own), "/proc/self/fd/%d", file);
	if (linkat(AT_FDCWD, own, folder->fd, name, AT_SYMLINK_FOLLOW) != 0)
		return -1;
	mark(folder, file);
	return 0;
}

int spool_folder_sync(const struct spool_folder *folder)
{
	return fsync(folder->fd);
}

int spool_folder_sync_file(const struct spool_folder *folder, int file)
{
	if (fsync(file) != 0)
		return -1;
	return folder->must_sync ? spool_folder_sync(folder) : 0;
}

int spool_folder_sync_all(const struct spool_folder *folder)
{
	return syncfs(folder->fd);
}

int spool_folder_read(const struct spool_folder *folder, const char *name)
{
	return openat(folder->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

int spool_folder_rename(const struct spool_folder *folder, const char *from,
			const char *to)
{
	return renameat(folder->fd, from, folder->fd, to);
}

int spool_folder_empty(const struct spool_folder *folder, const char *name)
{
	int fd = openat(folder->fd, name, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

int spool_folder_remove(const struct spool_folder *folder, const char *name)
{
	return unlinkat(folder->fd, name, 0);
}

uint64_t spool_folder_room(const struct spool_folder *folder)
{
	struct statfs fs;

	if (fstatfs(folder->fd, &fs) != 0)
		return UINT64_MAX;
	return (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize;
}

uint64_t spool_folder_files(const struct spool_folder *folder)
{
	struct statfs fs;

	if (fstatfs(folder->fd, &fs) != 0 || fs.f_files == 0)
		return UINT64_MAX;
	return (uint64_t)fs.f_ffree;
}

int spool_folder_list(const struct spool_folder *folder,
		      void (*see)(void *context, const char *name), void *context)
{
	int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *names = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	int error;

	if (!names) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	errno = 0;
	while ((entry = readdir(names)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			see(context, entry->d_name);
		errno = 0;
	}
	error = errno;
	closedir(names);
	errno = error;
	return error == 0 ? 0 : -1;
}
