#include "staging.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "complain.h"
#include "keep.h"

#define PREFIX	   ".cathgate-new-"
#define FILE_MAX   (1024UL * 1024)
#define PLACED_MAX 64

static int remove_one(const char *path, const struct stat *status, int type,
		      struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static void remove_tree(const char *path)
{
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* A folder of ours that nobody holds the lock of is one whose owner was killed. */
static void remove_stale(const char *folder)
{
	DIR *stream = opendir(folder);
	const struct dirent *entry;

	while (stream != NULL && (entry = readdir(stream)) != NULL) {
		int fd;

		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0)
			continue;
		fd = openat(dirfd(stream), entry->d_name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			remove_tree(keep_format("%s/%s", folder, entry->d_name));
		close(fd);
	}
	if (stream != NULL)
		closedir(stream);
}

static const char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return ".";
	return slash == path ? "/" : keep_copy(path, (size_t)(slash - path));
}

static bool is_empty(const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, NULL);

	for (int i = 0; i < count; i++)
		free(entries[i]);
	if (count >= 0)
		free(entries);
	return count == 2; /* . and .. */
}

/* Only an empty folder of the same file system can be replaced by a rename. */
static bool must_be_within(const char *target, const char *parent)
{
	struct stat of_target, of_parent;

	return stat(target, &of_target) == 0 &&
	       (stat(parent, &of_parent) != 0 || of_target.st_dev != of_parent.st_dev ||
		!is_empty(target));
}

static void hold_signals(struct staging *staging)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &staging->signals);
}

bool staging_interrupted(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 && (sigismember(&pending, SIGINT) == 1 ||
					     sigismember(&pending, SIGTERM) == 1 ||
					     sigismember(&pending, SIGHUP) == 1);
}

int staging_open(struct staging *staging, const char *target,
		 const struct durable_owner *owner)
{
	const char *parent = parent_of(target);
	char *path;

	*staging = (struct staging){ .target = target, .lock = -1 };
	staging->within = must_be_within(target, parent);
	if (staging->within)
		parent = target;
	hold_signals(staging);
	remove_stale(parent);
	path = keep_format("%s/" PREFIX "XXXXXX", parent);
	if (mkdtemp(path) == NULL) {
		complain(
			"can't write in %s: %s; run this as root, or name another folder",
			parent, strerror(errno));
		staging_close(staging);
		return -1;
	}
	staging->path = path;
	staging->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (staging->lock < 0 || flock(staging->lock, LOCK_EX | LOCK_NB) < 0 ||
	    ((owner->user != (uid_t)-1 || owner->group != (gid_t)-1) &&
	     fchown(staging->lock, owner->user, owner->group) < 0) ||
	    fchmod(staging->lock, owner->mode) < 0) {
		complain("%s: %s", path, strerror(errno));
		staging_close(staging);
		return -1;
	}
	return 0;
}

static bool same_bytes(const char *a, const char *b)
{
	char *text_a = NULL, *text_b = NULL;
	size_t size_a, size_b;
	bool same = durable_read(a, FILE_MAX, &text_a, &size_a) == 0 &&
		    durable_read(b, FILE_MAX, &text_b, &size_b) == 0 &&
		    size_a == size_b && memcmp(text_a, text_b, size_a) == 0;

	free(text_a);
	free(text_b);
	return same;
}

static bool is_folder(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

struct placed {
	const char *from[PLACED_MAX], *to[PLACED_MAX];
	size_t count;
};

/* Collects what has to be renamed, a folder as a whole where it can be. Returns how many
 * things are in the way. */
static size_t plan(const char *from, const char *to, const char *replaced,
		   struct placed *placed)
{
	DIR *stream = opendir(from);
	const struct dirent *entry;
	size_t obstacles = 0;

	while (stream != NULL && (entry = readdir(stream)) != NULL) {
		const char *source = keep_format("%s/%s", from, entry->d_name);
		const char *goal = keep_format("%s/%s", to, entry->d_name);

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (is_folder(source) && is_folder(goal) && !is_empty(goal)) {
			obstacles += plan(source, goal, replaced, placed);
		} else if (access(goal, F_OK) == 0 && strcmp(source, replaced) != 0 &&
			   !(is_folder(source) && is_empty(goal))) {
			if (!same_bytes(source, goal)) {
				complain("%s is there already, and is not overwritten",
					 goal);
				obstacles++;
			}
		} else if (placed->count < PLACED_MAX) {
			placed->from[placed->count] = source;
			placed->to[placed->count++] = goal;
		}
	}
	if (stream != NULL)
		closedir(stream);
	return obstacles;
}

static int place_all(const struct placed *placed, const char *replaced)
{
	size_t done = 0;

	while (done < placed->count) {
		/* An empty folder gives way to a full one; nothing else gives way. */
		bool gives_way = is_folder(placed->from[done]) ||
				 strcmp(placed->from[done], replaced) == 0;
		unsigned flags = gives_way ? 0 : RENAME_NOREPLACE;

		if (renameat2(AT_FDCWD, placed->from[done], AT_FDCWD, placed->to[done],
			      flags) < 0)
			break;
		done++;
	}
	if (done == placed->count)
		return 0;
	complain("%s: %s", placed->to[done], strerror(errno));
	while (done > 0) {
		done--;
		rename(placed->to[done], placed->from[done]);
	}
	return -1;
}

static int commit_within(struct staging *staging, const char *last)
{
	struct placed placed = { .count = 0 };
	const char *from = keep_format("%s/%s", staging->path, last != NULL ? last : "");

	const char *replaced = staging->replaces_last ? from : "";

	if (plan(staging->path, staging->target, replaced, &placed) > 0)
		return -1;
	for (size_t i = 0; last != NULL && i + 1 < placed.count; i++) {
		size_t end = placed.count - 1;
		const char *to = placed.to[i];

		if (strcmp(placed.from[i], from) != 0)
			continue;
		placed.from[i] = placed.from[end];
		placed.to[i] = placed.to[end];
		placed.from[end] = from;
		placed.to[end] = to;
		break;
	}
	if (place_all(&placed, replaced) < 0)
		return -1;
	for (size_t i = 0; i < placed.count; i++)
		durable_sync_parent(placed.to[i]);
	return 0;
}

int staging_commit(struct staging *staging, const char *last)
{
	if (staging_interrupted()) {
		complain("interrupted: nothing was written");
		return -1;
	}
	if (staging->within)
		return commit_within(staging, last);
	if (durable_sync_folder(staging->path) < 0 ||
	    rename(staging->path, staging->target) < 0) {
		complain("%s: %s", staging->target, strerror(errno));
		return -1;
	}
	staging->path = NULL;
	durable_sync_parent(staging->target);
	return 0;
}

void staging_close(struct staging *staging)
{
	if (staging->path != NULL)
		remove_tree(staging->path);
	if (staging->lock >= 0)
		close(staging->lock);
	sigprocmask(SIG_SETMASK, &staging->signals, NULL);
}
