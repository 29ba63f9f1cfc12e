#include "cathgate/base/durable.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drafts.h"
#include "folder.h"

#define TRIES 100

int durable_sync_at(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return folder_close(fd, fd < 0 ? -1 : fsync(fd));
}

int durable_write(int fd, const void *bytes, size_t size)
{
	const char *next = bytes;

	while (size > 0) {
		ssize_t written = write(fd, next, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		next += written;
		size -= (size_t)written;
	}
	return 0;
}

MUST_USE static int settle_fd(int fd, const struct durable_owner *owner)
{
	bool changes = owner->user != (uid_t)-1 || owner->group != (gid_t)-1;

	if (changes && fchown(fd, owner->user, owner->group) < 0)
		return -1;
	return fchmod(fd, owner->mode);
}

/* An interrupted command must not leave a draft, which may hold a key. */
static void hold_signals(sigset_t *ret_before)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, ret_before);
}

/* Chooses a hidden name that other users can't foresee. */
MUST_USE static int choose_name(struct durable_draft *draft)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned char random[8];
	char tail[sizeof(random) + 1] = "";

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -1;
	for (size_t i = 0; i < sizeof(random); i++)
		tail[i] = letters[random[i] % 32];
	snprintf(draft->own, sizeof(draft->own), DRAFTS_PREFIX "%.200s.%s", draft->name,
		 tail);
	return 0;
}

/* Removes what a crash has left under the draft's name. */
MUST_USE static int clear_name(struct durable_draft *draft)
{
	snprintf(draft->own, sizeof(draft->own), "%.200s.new", draft->name);
	return unlinkat(draft->folder, draft->own, 0) < 0 && errno != ENOENT ? -1 : 0;
}

/* False when another process has taken the new draft for a stale one and removed it. */
MUST_USE static bool claim_draft(int fd)
{
	struct stat status;

	return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &status) == 0 &&
	       status.st_nlink > 0;
}

MUST_USE static int begin_draft(struct durable_draft *draft)
{
	bool is_own = draft->way == DURABLE_REPLACE_OWN ||
		      draft->way == DURABLE_REPLACE_OWN_SOON;

	if (!is_own)
		drafts_remove_stale(draft->folder);
	for (int i = 0; i < TRIES; i++) {
		if ((is_own ? clear_name(draft) : choose_name(draft)) < 0)
			return -1;
		draft->fd = openat(draft->folder, draft->own,
				   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
				   0600);
		if (draft->fd >= 0 && (is_own || claim_draft(draft->fd)))
			return 0;
		if (draft->fd < 0 && errno != EEXIST)
			return -1;
		if (draft->fd >= 0)
			close(draft->fd);
		errno = EEXIST;
	}
	return -1;
}

/* Takes the folder's descriptor. */
MUST_USE static int begin_draft_in(int folder, const char *name, enum durable_way way,
				   struct durable_draft *ret)
{
	struct durable_draft draft = { .way = way, .folder = folder, .fd = -1 };
	size_t length = strlen(name);

	if (folder < 0)
		return -1;
	errno = length == 0 ? EISDIR : ENAMETOOLONG;
	if (length == 0 || length > NAME_MAX)
		return folder_close(folder, -1);
	memcpy(draft.name, name, length + 1);
	if (begin_draft(&draft) < 0)
		return folder_close(folder, -1);
	*ret = draft;
	return 0;
}

int durable_begin(const char *path, enum durable_way way, struct durable_draft *ret)
{
	return begin_draft_in(durable_open_parent(path), durable_base(path), way, ret);
}

MUST_USE static int open_below(int folder, const char *path)
{
	char below[PATH_MAX];

	if (folder_text(path, below) < 0)
		return -1;
	return openat(folder, below, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void durable_abandon(struct durable_draft *draft)
{
	int error = errno;

	unlinkat(draft->folder, draft->own, 0);
	close(draft->fd);
	close(draft->folder);
	errno = error;
}

int durable_move_at(int from_at, const char *from, int to_at, const char *to)
{
	int result = renameat2(from_at, from, to_at, to, RENAME_NOREPLACE);

	if (result == 0 || errno != EINVAL)
		return result;
	/* Some file systems, as NFS, don't know the flag. Nobody else uses such names, so
	 * none appears between the two calls. */
	if (faccessat(to_at, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return renameat2(from_at, from, to_at, to, 0);
}

/* Gives the draft its final name. */
MUST_USE static int place_draft(const struct durable_draft *draft)
{
	int folder = draft->folder;

	return draft->way == DURABLE_CREATE
		       ? durable_move_at(folder, draft->own, folder, draft->name)
		       : renameat2(folder, draft->own, folder, draft->name, 0);
}

int durable_finish(struct durable_draft *draft, const struct durable_owner *owner)
{
	bool syncs = draft->way != DURABLE_REPLACE_OWN_SOON &&
		     draft->way != DURABLE_REPLACE_UNSYNCED;
	int result, error;

	if (settle_fd(draft->fd, owner) < 0 ||
	    (draft->way != DURABLE_REPLACE_UNSYNCED && fsync(draft->fd) < 0) ||
	    place_draft(draft) < 0) {
		durable_abandon(draft);
		return -1;
	}
	result = syncs ? durable_sync_at(draft->folder) : 0;
	error = errno;
	/* A new file that may not be on disk must not stay. */
	if (result < 0 && draft->way == DURABLE_CREATE)
		unlinkat(draft->folder, draft->name, 0);
	close(draft->fd);
	close(draft->folder);
	errno = error;
	return result;
}

/* Takes the folder's descriptor. */
MUST_USE static int put_file_in(int folder, const char *name, enum durable_way way,
				const void *bytes, size_t size,
				const struct durable_owner *owner)
{
	struct durable_draft draft;
	sigset_t signals;
	int result, error;

	hold_signals(&signals);
	result = begin_draft_in(folder, name, way, &draft);
	if (result == 0 && durable_write(draft.fd, bytes, size) == 0) {
		result = durable_finish(&draft, owner);
	} else if (result == 0) {
		durable_abandon(&draft);
		result = -1;
	}
	error = errno;
	sigprocmask(SIG_SETMASK, &signals, NULL);
	errno = error;
	return result;
}

int durable_put(const char *path, enum durable_way way, const void *bytes, size_t size,
		const struct durable_owner *owner)
{
	return put_file_in(durable_open_parent(path), durable_base(path), way, bytes,
			   size, owner);
}

int durable_create(const char *path, const void *bytes, size_t size,
		   const struct durable_owner *owner)
{
	return durable_put(path, DURABLE_CREATE, bytes, size, owner);
}

int durable_replace(const char *path, const void *bytes, size_t size,
		    const struct durable_owner *owner)
{
	return durable_put(path, DURABLE_REPLACE, bytes, size, owner);
}

int durable_create_at(int folder, const char *path, const void *bytes, size_t size,
		      const struct durable_owner *owner)
{
	return put_file_in(open_below(folder, path), durable_base(path), DURABLE_CREATE,
			   bytes, size, owner);
}

/* Takes the descriptor. */
MUST_USE static int regular_only(int fd)
{
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return folder_close(fd, -1);
	errno = EINVAL;
	return S_ISREG(status.st_mode) ? fd : folder_close(fd, -1);
}

int durable_open_regular(const char *path)
{
	return regular_only(durable_open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
}

MUST_USE static int open_regular_at(int folder, const char *path)
{
	return regular_only(openat(
		folder, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

int durable_keep(const char *path, size_t max, struct durable_kept *ret)
{
	struct durable_kept kept;
	struct stat status;
	int fd;

	kept.folder = folder_of_file(path, kept.name);
	fd = kept.folder >= 0 ? open_regular_at(kept.folder, kept.name) : -1;
	if (fd >= 0 && fstat(fd, &status) < 0)
		fd = folder_close(fd, -1);
	if (durable_read_fd(fd, max, &kept.bytes, &kept.size) < 0)
		return folder_close(kept.folder, -1);
	kept.owner = (struct durable_owner){ status.st_uid, status.st_gid,
					     status.st_mode & 07777 };
	*ret = kept;
	return 0;
}

int durable_rewrite(const struct durable_kept *kept, const void *bytes, size_t size)
{
	return put_file_in(fcntl(kept->folder, F_DUPFD_CLOEXEC, 0), kept->name,
			   DURABLE_REPLACE, bytes, size, &kept->owner);
}

void durable_kept_end(struct durable_kept *kept)
{
	explicit_bzero(kept->bytes, kept->size);
	free(kept->bytes);
	close(kept->folder);
}

int durable_settle_at(int folder, const char *path, const struct durable_owner *owner)
{
	int fd = openat(folder, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -1;
	return folder_close(fd, settle_fd(fd, owner) == 0 ? fsync(fd) : -1);
}

bool durable_is_empty_at(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	size_t count = 0;

	if (!stream) {
		folder_close(fd, 0);
		return false;
	}
	while (readdir(stream))
		count++;
	closedir(stream);
	return count == 2; /* . and .. */
}

/* Whether it is the folder just made, not another that was put in its place. */
static bool is_fresh(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return false;
	if (status.st_uid == geteuid() && (status.st_mode & 077) == 0 &&
	    durable_is_empty_at(fd))
		return true;
	errno = EPERM;
	return false;
}

int durable_folder_at(int folder, const char *path, const struct durable_owner *owner)
{
	int parent = open_below(folder, path), fd;
	const char *name = durable_base(path);

	if (parent < 0)
		return -1;
	if (mkdirat(parent, name, 0700) < 0)
		return folder_close(parent, -1);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || !is_fresh(fd) || settle_fd(fd, owner) < 0 ||
	    durable_sync_at(parent) < 0) {
		int error = errno;

		unlinkat(parent, name, AT_REMOVEDIR);
		errno = error;
		fd = folder_close(fd, -1);
	}
	return folder_close(parent, fd);
}

int durable_folder(const char *path, const struct durable_owner *owner)
{
	char trimmed[PATH_MAX];
	size_t length = strlen(path);
	int parent, made;

	while (length > 1 && path[length - 1] == '/')
		length--;
	errno = ENAMETOOLONG;
	if (length >= sizeof(trimmed))
		return -1;
	snprintf(trimmed, sizeof(trimmed), "%.*s", (int)length, path);
	parent = durable_open_parent(trimmed);
	if (parent < 0)
		return -1;
	made = durable_folder_at(parent, durable_base(trimmed), owner);
	folder_close(parent, 0);
	return made < 0 ? -1 : folder_close(made, 0);
}

int durable_remove(const char *path)
{
	int folder = durable_open_parent(path), result;

	if (folder < 0)
		return -1;
	result = unlinkat(folder, durable_base(path), 0);
	return folder_close(folder, result == 0 ? durable_sync_at(folder) : -1);
}

int durable_rename(const char *from, const char *to)
{
	int from_at = durable_open_parent(from), to_at = durable_open_parent(to);
	int result = -1;

	if (from_at >= 0 && to_at >= 0)
		result = durable_move_at(from_at, durable_base(from), to_at,
					 durable_base(to));
	if (result == 0)
		result = durable_sync_at(to_at);
	folder_close(from_at, 0);
	return folder_close(to_at, result);
}

int durable_read(const char *path, size_t max, char **ret, size_t *ret_size)
{
	return durable_read_fd(durable_open_regular(path), max, ret, ret_size);
}

int durable_read_at(int folder, const char *path, size_t max, char **ret,
		    size_t *ret_size)
{
	return durable_read_fd(open_regular_at(folder, path), max, ret, ret_size);
}

int durable_read_fd(int fd, size_t max, char **ret, size_t *ret_size)
{
	char *text = fd >= 0 ? malloc(max + 2) : NULL;
	size_t size = 0;
	ssize_t got = -1;

	while (text && size <= max &&
	       (got = read(fd, text + size, max + 1 - size)) != 0) {
		if (got < 0 && errno != EINTR)
			break;
		size += got > 0 ? (size_t)got : 0;
	}
	if (got > 0)
		errno = EFBIG;
	if (got == 0) {
		text[size] = '\0';
		*ret = text;
		*ret_size = size;
	} else {
		free(text);
	}
	return folder_close(fd, got == 0 ? 0 : -1);
}
