/*
 * Files that are on disk as a whole, or not at all. Nobody but its owner can open a file
 * before the file has its final owner and mode.
 *
 * Other users may change the folder that holds a file meanwhile. So each function opens
 * the folder once, names the file by that descriptor in each step, and never writes into
 * a file that it finds there. Root doesn't follow another user's symbolic link to a
 * folder or file that isn't that user's own: errno is then ELOOP.
 *
 * A draft, the file while it is being written, has a hidden name (.cathgate-draft-NAME.…)
 * and is locked. After a crash a draft may hold a key: the next write in that folder
 * removes it, unless other users could have put it there. SIGINT, SIGTERM and SIGHUP wait
 * while a file is written.
 *
 * All functions return 0, or -1 with errno set and nothing left behind. But a replacement
 * or a new name can stand although -1 is returned, when only its fsync() failed.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cathgate/base/must_use.h"

/* The owner and mode that a file gets. */
struct durable_owner {
	uid_t user;  /* (uid_t)-1: that of the process */
	gid_t group; /* (gid_t)-1: likewise */
	mode_t mode;
};

/* Makes a new file; EEXIST when there is one. Its entry in the folder is on disk, too. */
MUST_USE int durable_create(const char *path, const void *bytes, size_t size,
			    const struct durable_owner *owner);
/* Makes a file in the place of any that is there. */
MUST_USE int durable_replace(const char *path, const void *bytes, size_t size,
			     const struct durable_owner *owner);

enum durable_way {
	DURABLE_CREATE,	 /* as durable_create */
	DURABLE_REPLACE, /* as durable_replace */
	/* In a folder that only this program writes to: the draft is PATH.new, which the
	 * next call removes if a crash left it. */
	DURABLE_REPLACE_OWN,
	DURABLE_REPLACE_OWN_SOON, /* a loss of power may bring the old file back */
	DURABLE_REPLACE_UNSYNCED  /* a loss of power may leave a torn file */
};
MUST_USE int durable_put(const char *path, enum durable_way way, const void *bytes,
			 size_t size, const struct durable_owner *owner);

/* The content, owner and mode of a regular file that is to be replaced. The new file gets
 * the same owner and mode, even if another file has been put there meanwhile: so nobody
 * can read the new file who couldn't read the old one. */
struct durable_kept {
	int folder;
	char name[NAME_MAX + 1];
	struct durable_owner owner;
	char *bytes;
	size_t size;
};

/* Reads a file of at most `max` bytes; EINVAL when it isn't a regular one. */
MUST_USE int durable_keep(const char *path, size_t max, struct durable_kept *ret);
MUST_USE int durable_rewrite(const struct durable_kept *kept, const void *bytes,
			     size_t size);
/* Wipes the bytes, which may be a key's, and frees them. */
void durable_kept_end(struct durable_kept *kept);

/* As durable_create, from an open folder. Only folders that no other user can change may
 * stand in `path`. */
MUST_USE int durable_create_at(int folder, const char *path, const void *bytes,
			       size_t size, const struct durable_owner *owner);
/* Gives an existing file its owner and mode. */
MUST_USE int durable_settle_at(int folder, const char *path,
			       const struct durable_owner *owner);
/* Make a new folder; EEXIST when the name is taken. The first one returns the folder's
 * descriptor. */
MUST_USE int durable_folder_at(int folder, const char *path,
			       const struct durable_owner *owner);
MUST_USE int durable_folder(const char *path, const struct durable_owner *owner);
bool durable_is_empty_at(int folder);

/* A file that the caller writes piece by piece to `fd`. Its mode is 0600 until
 * durable_finish. */
struct durable_draft {
	enum durable_way way;
	int folder, fd;
	char name[NAME_MAX + 1], own[NAME_MAX + 1]; /* the final name, the draft's name */
};

MUST_USE int durable_begin(const char *path, enum durable_way way,
			   struct durable_draft *ret);
/* Both end the draft, also on failure. */
MUST_USE int durable_finish(struct durable_draft *draft,
			    const struct durable_owner *owner);
void durable_abandon(struct durable_draft *draft);

/* Remove or rename a file, and sync the folder. Nothing is overwritten: EEXIST. */
MUST_USE int durable_remove(const char *path);
MUST_USE int durable_rename(const char *from, const char *to);
/* Renames without fsync(); EEXIST when the new name is taken. */
MUST_USE int durable_move_at(int from_at, const char *from, int to_at, const char *to);

/* A folder's descriptor (O_PATH): for the …at() functions and fchdir(2), not to read. */
MUST_USE int durable_open_folder(const char *path);
/* The same for the folder that holds `path`. */
MUST_USE int durable_open_parent(const char *path);
/* Opens an existing file as open(2) does, with O_CLOEXEC and the rule for root above. */
MUST_USE int durable_open_file(const char *path, int flags);
/* Opens a regular file to read it; EINVAL for anything else. Never waits at a FIFO. */
MUST_USE int durable_open_regular(const char *path);
/* The name behind the last slash. */
const char *durable_base(const char *path);

/* Syncs a folder's entries. */
MUST_USE int durable_sync_at(int folder);

/* Writes all bytes at the descriptor's position, without fsync(). After a failure any
 * part of them may be written. */
MUST_USE int durable_write(int fd, const void *bytes, size_t size);

/* Reads a whole regular file of at most `max` bytes; EFBIG when it is longer. *ret has a
 * NUL behind the bytes and is the caller's to free. The rule for root holds here too, as
 * a caller may show the bytes to others. */
MUST_USE int durable_read(const char *path, size_t max, char **ret, size_t *ret_size);
/* Doesn't follow a link at the end of `path`. */
MUST_USE int durable_read_at(int folder, const char *path, size_t max, char **ret,
			     size_t *ret_size);
/* Reads all that the descriptor gives and closes it. An `fd` of -1 is a failed open(2):
 * returns -1 with its errno. */
MUST_USE int durable_read_fd(int fd, size_t max, char **ret, size_t *ret_size);
