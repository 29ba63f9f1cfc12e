#include "drafts.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Another user who can rename files in the folder could give any of ours the name of a
 * draft, to have it removed. */
static bool is_own_draft(const struct stat *file, const struct stat *folder)
{
	bool shares = (folder->st_mode & 022) != 0;

	if (!S_ISREG(file->st_mode) || file->st_nlink != 1 ||
	    (shares && (folder->st_mode & S_ISVTX) == 0))
		return false;
	if (folder->st_uid == geteuid() || folder->st_uid == 0)
		return !shares || file->st_uid == geteuid();
	return file->st_uid == folder->st_uid;
}

static void remove_if_stale(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat file, of_folder;

	if (fd < 0)
		return;
	if (fstat(fd, &file) == 0 && fstat(folder, &of_folder) == 0 &&
	    is_own_draft(&file, &of_folder) && flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlinkat(folder, name, 0);
	close(fd);
}

void drafts_remove_stale(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	while (stream && (entry = readdir(stream)) != NULL)
		if (strncmp(entry->d_name, DRAFTS_PREFIX, strlen(DRAFTS_PREFIX)) == 0)
			remove_if_stale(folder, entry->d_name);
	if (stream)
		closedir(stream);
	else if (fd >= 0)
		close(fd);
}
