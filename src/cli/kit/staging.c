#include "staging.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "complain.h"
#include "keep.h"
#include "staging_tree.h"

#define FILE_MAX    (1024UL * 1024)
#define PLACED_MAX  64
#define FOLDERS_MAX 16
#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static const char *parent_of(const char *path)
{
	const char *base = durable_base(path);

	if (base == path)
		return ".";
	return base == path + 1 ? "/" : keep_copy(path, (size_t)(base - path) - 1);
}

/* Only an empty folder of the same file system can be replaced by a rename. */
static bool must_be_within(int target, const char *path, int parent)
{
	struct stat of_target, of_name, of_parent;

	return fstat(target, &of_target) != 0 ||
	       fstatat(parent, durable_base(path), &of_name, AT_SYMLINK_NOFOLLOW) != 0 ||
	       !S_ISDIR(of_name.st_mode) || fstat(parent, &of_parent) != 0 ||
	       of_target.st_dev != of_parent.st_dev || !durable_is_empty_at(target);
}

void staging_hold_signals(sigset_t *ret_before)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, ret_before);
}

bool staging_interrupted(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 && (sigismember(&pending, SIGINT) == 1 ||
					     sigismember(&pending, SIGTERM) == 1 ||
					     sigismember(&pending, SIGHUP) == 1);
}

static int open_place(struct staging *staging, const struct durable_owner *owner)
{
	const char *target = staging->target, *parent = parent_of(target);
	int folder;

	staging->parent = durable_open_folder(parent);
	folder = staging->parent >= 0 ? durable_open_folder(target) : -1;
	if (folder >= 0 && must_be_within(folder, target, staging->parent)) {
		staging->within = true;
		close(staging->parent);
		staging->parent = folder;
		parent = target;
	} else if (folder >= 0) {
		close(folder);
	}
	if (staging->parent >= 0) {
		staging_tree_remove_stale(staging->parent, parent);
		staging->folder =
			staging_tree_make(staging->parent, owner, &staging->name);
	}
	if (staging->folder < 0) {
		int error = errno;

		complain("can't write in %s: %s; %s, or name another folder", parent,
			 strerror(error),
			 error == ELOOP ? "a symbolic link of another user leads there: "
					  "name the folder itself"
					: complain_cure(error));
		return -1;
	}
	staging->path = keep_format("%s/%s", parent, staging->name);
	return 0;
}

int staging_open(struct staging *staging, const char *target,
		 const struct durable_owner *owner)
{
	size_t length = strlen(target);

	while (length > 1 && target[length - 1] == '/')
		length--;
	*staging = (struct staging){ .target = keep_copy(target, length),
				     .parent = -1,
				     .folder = -1 };
	staging_hold_signals(&staging->signals);
	if (open_place(staging, owner) == 0)
		return 0;
	staging_close(staging);
	return -1;
}

int staging_write(const struct staging *staging, const char *name, const void *bytes,
		  size_t size, const struct durable_owner *owner)
{
	if (durable_create_at(staging->folder, name, bytes, size, owner) == 0)
		return 0;
	complain("%s/%s: %s", staging->path, name, strerror(errno));
	return -1;
}

FILE *staging_create(const struct staging *staging, const char *name)
{
	int fd = openat(staging->folder, name,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (file)
		return file;
	complain("%s/%s: %s", staging->path, name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return NULL;
}

int staging_finish(const struct staging *staging, const char *name, FILE *file)
{
	bool is_good = fflush(file) == 0 && !ferror(file) && fsync(fileno(file)) == 0;

	if (!is_good)
		complain("%s/%s: %s", staging->path, name, strerror(errno));
	if (fclose(file) != 0)
		is_good = false;
	return is_good ? 0 : -1;
}

/* What has to be renamed, a folder as a whole where it can be. `folders` are open until
 * that is done. */
struct placing {
	struct placed {
		int from, to;
		const char *name, *shown;
		bool gives_way; /* an empty folder or `last` is there, and may go */
	} items[PLACED_MAX];
	size_t count;
	int folders[FOLDERS_MAX];
	size_t folder_count;
	const char *last;
	bool replaces_last;
};

static void close_placing(struct placing *placing)
{
	for (size_t i = 0; i < placing->folder_count; i++)
		close(placing->folders[i]);
}

static bool same_bytes(int a, int b, const char *name)
{
	char *text_a = NULL, *text_b = NULL;
	size_t size_a, size_b;
	struct stat status;
	bool same = fstatat(b, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(status.st_mode) &&
		    durable_read_at(a, name, FILE_MAX, &text_a, &size_a) == 0 &&
		    durable_read_at(b, name, FILE_MAX, &text_b, &size_b) == 0 &&
		    size_a == size_b && memcmp(text_a, text_b, size_a) == 0;

	free(text_a);
	free(text_b);
	return same;
}

/* The descriptor stays open until all is done. -1 where there is no such folder. */
static int open_below(struct placing *placing, int folder, const char *name)
{
	int fd = placing->folder_count < FOLDERS_MAX ? openat(folder, name, OPEN_FOLDER)
						     : -1;

	if (fd >= 0)
		placing->folders[placing->folder_count++] = fd;
	return fd;
}

static size_t plan_folder(struct placing *placing, int from, int to, const char *shown);

/* Plan how to place one thing, or a folder's; return how many things are in the way. */
static size_t plan_one(struct placing *placing, struct placed one)
{
	int source = open_below(placing, one.from, one.name);
	int goal = source >= 0 ? open_below(placing, one.to, one.name) : -1;
	bool is_last = placing->last && strcmp(one.shown, placing->last) == 0;

	if (goal >= 0 && !durable_is_empty_at(goal))
		return plan_folder(placing, source, goal, one.shown);
	one.gives_way = source >= 0 || (is_last && placing->replaces_last);
	if (goal < 0 && !(is_last && placing->replaces_last) &&
	    faccessat(one.to, one.name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		if (source < 0 && same_bytes(one.from, one.to, one.name))
			return 0;
		complain("%s is there already, and is not overwritten", one.shown);
		return 1;
	}
	if (placing->count == PLACED_MAX)
		return 1;
	placing->items[placing->count++] = one;
	return 0;
}

static size_t plan_folder(struct placing *placing, int from, int to, const char *shown)
{
	DIR *stream = staging_tree_list(from);
	const struct dirent *entry;
	size_t obstacles = stream ? 0 : 1;

	while (stream && (entry = readdir(stream))) {
		const char *name = keep_format("%s", entry->d_name);

		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
			obstacles += plan_one(
				placing,
				(struct placed){
					.from = from,
					.to = to,
					.name = name,
					.shown = keep_format("%s/%s", shown, name) });
	}
	if (stream)
		closedir(stream);
	return obstacles;
}

static int place_one(const struct placed *one)
{
	/* A rename puts a folder over an empty one; nothing else may be replaced. */
	return one->gives_way ? renameat2(one->from, one->name, one->to, one->name, 0)
			      : durable_move_at(one->from, one->name, one->to, one->name);
}

static int place_all(const struct placing *placing)
{
	size_t done = 0;

	while (done < placing->count && place_one(&placing->items[done]) == 0)
		done++;
	if (done == placing->count)
		return 0;
	complain("%s: %s", placing->items[done].shown, strerror(errno));
	while (done-- > 0) {
		const struct placed *one = &placing->items[done];

		renameat2(one->to, one->name, one->from, one->name, 0);
	}
	return -1;
}

static void put_last(struct placing *placing)
{
	for (size_t i = 0; placing->last && i + 1 < placing->count; i++) {
		struct placed one = placing->items[i];

		if (strcmp(one.shown, placing->last) != 0)
			continue;
		placing->items[i] = placing->items[placing->count - 1];
		placing->items[placing->count - 1] = one;
		break;
	}
}

/* `parent` is the target itself. */
static int commit_within(struct staging *staging, const char *last)
{
	struct placing placing = {
		.last = last ? keep_format("%s/%s", staging->target, last) : NULL,
		.replaces_last = staging->replaces_last,
	};
	int result = -1;

	if (plan_folder(&placing, staging->folder, staging->parent, staging->target) ==
	    0) {
		put_last(&placing);
		result = place_all(&placing);
	}
	for (size_t i = 0; result == 0 && i < placing.count; i++)
		(void)!durable_sync_at(placing.items[i].to); /* all is in place */
	close_placing(&placing);
	return result;
}

/* Another user who can write in the parent folder could have renamed it. */
static bool is_in_place(const struct staging *staging)
{
	struct stat made, found;

	return fstat(staging->folder, &made) == 0 &&
	       fstatat(staging->parent, durable_base(staging->target), &found,
		       AT_SYMLINK_NOFOLLOW) == 0 &&
	       made.st_dev == found.st_dev && made.st_ino == found.st_ino;
}

int staging_commit(struct staging *staging, const char *last)
{
	if (staging_interrupted()) {
		complain("interrupted: nothing was written");
		return -1;
	}
	if (staging->within)
		return commit_within(staging, last);
	if (durable_sync_at(staging->folder) < 0 ||
	    renameat2(staging->parent, staging->name, staging->parent,
		      durable_base(staging->target), 0) < 0) {
		complain("%s: %s", staging->target, strerror(errno));
		return -1;
	}
	if (!is_in_place(staging)) {
		complain("%s isn't what was made for it: somebody who can write in that "
			 "folder has put it there; name another with nobody else's",
			 staging->target);
		return -1;
	}
	(void)!durable_sync_at(staging->parent); /* all is in place */
	close(staging->folder);
	staging->folder = -1;
	return 0;
}

void staging_close(struct staging *staging)
{
	if (staging->folder >= 0) {
		staging_tree_remove(staging->parent, staging->name, staging->folder);
		close(staging->folder);
	}
	if (staging->parent >= 0)
		close(staging->parent);
	sigprocmask(SIG_SETMASK, &staging->signals, NULL);
}
