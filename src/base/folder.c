/*
 * A folder is reached name by name, because the kernel would follow any symbolic link.
 * The gateway's user could put a link into one of its folders, and so have root write
 * anywhere.
 */
#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/durable.h"

#define LINKS_MAX 40 /* as the kernel's */
#define STEP	  (O_PATH | O_NOFOLLOW | O_CLOEXEC)

struct walk {
	int at;		     /* the folder reached so far */
	char rest[PATH_MAX]; /* of the path */
	int links;
	bool is_led; /* by a link of `leader`, so only to what belongs to that user */
	uid_t leader;
};

int folder_close(int fd, int result)
{
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return result;
}

MUST_USE static int begin_walk(struct walk *walk)
{
	int fd = open(walk->rest[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (walk->at >= 0)
		close(walk->at);
	walk->at = fd;
	return 0;
}

/* Takes the next name off the path. False at the end of the path. */
MUST_USE static bool next_name(struct walk *walk, char ret[NAME_MAX + 1])
{
	const char *name = walk->rest + strspn(walk->rest, "/");
	size_t length = strcspn(name, "/");

	if (length == 0 || length > NAME_MAX)
		return false;
	memcpy(ret, name, length);
	ret[length] = '\0';
	memmove(walk->rest, name + length, strlen(name + length) + 1);
	return true;
}

MUST_USE static int follow_link(struct walk *walk, int link, uid_t owner)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t size = readlinkat(link, "", target, sizeof(target) - 1);
	bool is_trusted = owner == 0 || geteuid() != 0;

	if (size < 0)
		return -1;
	target[size] = '\0';
	errno = ELOOP;
	if (++walk->links > LINKS_MAX ||
	    (walk->is_led && !is_trusted && owner != walk->leader))
		return -1;
	if (!is_trusted) {
		walk->is_led = true;
		walk->leader = owner;
	}
	memcpy(rest, walk->rest, sizeof(rest));
	errno = ENAMETOOLONG;
	if (snprintf(walk->rest, sizeof(walk->rest), "%s/%s", target, rest) >=
	    (int)sizeof(walk->rest))
		return -1;
	return target[0] == '/' ? begin_walk(walk) : 0;
}

static bool is_at_end(const struct walk *walk)
{
	return walk->rest[strspn(walk->rest, "/")] == '\0';
}

/* With `ret_name`, stops before the last name: it may be a file's, or nobody's yet. */
MUST_USE static int walk_on(struct walk *walk, char *ret_name)
{
	char name[NAME_MAX + 1] = ".";
	struct stat status;

	while (next_name(walk, name)) {
		bool is_last = is_at_end(walk);
		int fd = openat(walk->at, name, STEP);

		if (fd < 0 && !(is_last && ret_name && errno == ENOENT))
			return -1;
		if (fd >= 0 && fstat(fd, &status) == 0 && S_ISLNK(status.st_mode)) {
			if (folder_close(fd, follow_link(walk, fd, status.st_uid)) < 0)
				return -1;
			continue;
		}
		if (is_last && ret_name) {
			memcpy(ret_name, name, sizeof(name));
			if (fd >= 0)
				close(fd);
			return 0;
		}
		close(walk->at);
		walk->at = fd;
	}
	errno = is_at_end(walk) ? EISDIR : ENAMETOOLONG;
	return is_at_end(walk) && !ret_name ? 0 : -1;
}

/* A user's link may only lead to what belongs to that user. */
MUST_USE static int judge_owner(const struct walk *walk, const char *name)
{
	struct stat status;

	if (!walk->is_led)
		return 0;
	if (fstatat(walk->at, name, &status, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) < 0)
		return -1;
	errno = ELOOP;
	return status.st_uid == walk->leader ? 0 : -1;
}

MUST_USE static int walk_to(const char *path, char *ret_name)
{
	struct walk walk = { .at = -1 };

	errno = ENAMETOOLONG;
	if (snprintf(walk.rest, sizeof(walk.rest), "%s", path) >= (int)sizeof(walk.rest))
		return -1;
	if (begin_walk(&walk) < 0)
		return -1;
	if (walk_on(&walk, ret_name) == 0 &&
	    judge_owner(&walk, ret_name ? ret_name : "") == 0)
		return walk.at;
	return folder_close(walk.at, -1);
}

int folder_of_file(const char *path, char ret_name[NAME_MAX + 1])
{
	return walk_to(path, ret_name);
}

int durable_open_folder(const char *path)
{
	struct stat status;
	int fd;

	/* Only root can write everywhere: for others the kernel's own walk is safe. */
	if (geteuid() != 0)
		return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = walk_to(path, NULL);
	if (fd < 0 || (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)))
		return fd;
	errno = ENOTDIR;
	return folder_close(fd, -1);
}

int durable_open_file(const char *path, int flags)
{
	char name[NAME_MAX + 1];
	int folder;

	if (geteuid() != 0)
		return open(path, flags | O_CLOEXEC);
	folder = folder_of_file(path, name);
	if (folder < 0)
		return -1;
	return folder_close(folder, openat(folder, name, flags | O_NOFOLLOW | O_CLOEXEC));
}

const char *durable_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int folder_text(const char *path, char ret[PATH_MAX])
{
	size_t length = (size_t)(durable_base(path) - path);

	errno = ENAMETOOLONG;
	if (length >= PATH_MAX)
		return -1;
	snprintf(ret, PATH_MAX, "%.*s", length > 0 ? (int)length : 1,
		 length > 0 ? path : ".");
	return 0;
}

int durable_open_parent(const char *path)
{
	char folder[PATH_MAX];

	return folder_text(path, folder) < 0 ? -1 : durable_open_folder(folder);
}
