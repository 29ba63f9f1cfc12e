#include "staging_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "complain.h"
#include "keep.h"

#define PREFIX	    ".cathgate-new-"
#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Locks the folder before it gets the mode by which other users could open and lock it. 1
 * when another run found it before it was locked, and removed it as stale. */
static int lock_hidden(int folder, const struct durable_owner *owner)
{
	struct stat status;

	if (flock(folder, LOCK_EX | LOCK_NB) < 0 || fstat(folder, &status) < 0)
		return -1;
	if (status.st_nlink == 0)
		return 1;
	return durable_settle_at(folder, ".", owner);
}

int staging_tree_make(int parent, const struct durable_owner *owner,
		      const char **ret_name)
{
	const struct durable_owner own = { (uid_t)-1, (gid_t)-1, 0700 };
	int claimed, error;

	do {
		unsigned long long random;
		const char *name;
		int fd;

		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return -1;
		name = keep_format(PREFIX "%016llx", random);
		fd = durable_folder_at(parent, name, &own);
		if (fd < 0)
			return -1;
		claimed = lock_hidden(fd, owner);
		if (claimed == 0) {
			*ret_name = name;
			return fd;
		}
		error = errno;
		unlinkat(parent, name, AT_REMOVEDIR);
		close(fd);
		errno = error;
	} while (claimed > 0);
	return -1;
}

DIR *staging_tree_list(int folder)
{
	int again = openat(folder, ".", OPEN_FOLDER);
	DIR *stream = again >= 0 ? fdopendir(again) : NULL;

	if (!stream && again >= 0)
		close(again);
	return stream;
}

/* Leaves another file system that is mounted there alone. */
static void empty_folder(int folder, dev_t device)
{
	DIR *stream = staging_tree_list(folder);
	const struct dirent *entry;
	struct stat status;

	while (stream && (entry = readdir(stream))) {
		const char *name = entry->d_name;
		int below;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
		    unlinkat(folder, name, 0) == 0)
			continue;
		below = openat(folder, name, OPEN_FOLDER);
		if (below < 0)
			continue;
		if (fstat(below, &status) == 0 && status.st_dev == device)
			empty_folder(below, device);
		close(below);
		unlinkat(folder, name, AT_REMOVEDIR);
	}
	if (stream)
		closedir(stream);
}

void staging_tree_remove(int parent, const char *name, int folder)
{
	struct stat status;

	if (fstat(folder, &status) == 0)
		empty_folder(folder, status.st_dev);
	unlinkat(parent, name, AT_REMOVEDIR);
}

/* Whether no other user can have renamed another folder of ours to such a name. */
static bool is_ours_alone(int folder)
{
	struct stat status;

	return fstat(folder, &status) == 0 &&
	       (status.st_uid == geteuid() || status.st_uid == 0) &&
	       ((status.st_mode & 022) == 0 || (status.st_mode & S_ISVTX) != 0);
}

/* No process holds the lock of a hidden folder whose run was killed. */
static void remove_if_stale(int parent, const char *shown, const char *name)
{
	int fd = openat(parent, name, OPEN_FOLDER);
	struct stat status;

	if (fd < 0)
		return;
	if (fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
	    flock(fd, LOCK_EX | LOCK_NB) == 0) {
		if (is_ours_alone(parent))
			staging_tree_remove(parent, name, fd);
		else
			complain("%s/%s is left of a run that was killed, and may hold a "
				 "key: look, and remove it",
				 shown, name);
	}
	close(fd);
}

void staging_tree_remove_stale(int parent, const char *shown)
{
	DIR *stream = staging_tree_list(parent);
	const struct dirent *entry;

	while (stream && (entry = readdir(stream)))
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0)
			remove_if_stale(parent, shown, entry->d_name);
	if (stream)
		closedir(stream);
}
