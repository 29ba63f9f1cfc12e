/*
 * Files that are there whole and on disk, or not at all. A file is never open to more
 * than its owner before it has the owner and the mode that it is to have.
 *
 * Whatever others do meanwhile in the folder that holds a file, nothing is done in
 * another one: it is opened once, each step names it by that descriptor, and nothing is
 * written through what stands there. Root follows no symbolic link of somebody else's to
 * a folder that isn't that user's: errno is ELOOP then.
 *
 * What is being written has a hidden name (.cathgate-draft-NAME.…) and is locked. What a
 * crash leaves of it may hold a key: the next write in that folder removes it, unless
 * others could have put it there. Signals that end a program wait meanwhile.
 *
 * All return 0, or -1 with errno set and nothing left behind; what replaces or renames
 * something can fail with it done, when only its way to the disk failed.
 */
#ifndef CATHGATE_DURABLE_H
#define CATHGATE_DURABLE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cathgate/base/must_use.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Who is to own it, and its mode. */
struct durable_owner {
	uid_t user;  /* (uid_t)-1: who makes it */
	gid_t group; /* (gid_t)-1: likewise */
	mode_t mode;
};

/* A new file; EEXIST when there is one. Others never see a part of it. The entry in its
 * folder is on disk, too. */
MUST_USE int durable_create(const char *path, const void *bytes, size_t size,
			    const struct durable_owner *owner);
/* The same, in the place of whatever is there. */
MUST_USE int durable_replace(const char *path, const void *bytes, size_t size,
			     const struct durable_owner *owner);
/* Either; or in a folder of the program's own by way of PATH.new, which a crash leaves
 * and the next one removes; or with less on disk. */
enum durable_way {
	DURABLE_CREATE,
	DURABLE_REPLACE,
	DURABLE_REPLACE_OWN,
	DURABLE_REPLACE_OWN_SOON, /* the old one may be back after a loss of power */
	DURABLE_REPLACE_UNSYNCED  /* a torn one may be there then */
};
MUST_USE int durable_put(const char *path, enum durable_way way, const void *bytes,
			 size_t size, const struct durable_owner *owner);

/* A regular file that is to be replaced, as it was found: all of what it held. What is
 * written in its place gets its owner and its mode, whatever stands there by then, so
 * that nobody reads there what that user couldn't read before. */
struct durable_kept {
	int folder;
	char name[NAME_MAX + 1];
	struct durable_owner owner;
	char *bytes;
	size_t size;
};

/* Of at most `max` bytes; EINVAL where it is no regular file. */
MUST_USE int durable_keep(const char *path, size_t max, struct durable_kept *ret);
MUST_USE int durable_rewrite(const struct durable_kept *kept, const void *bytes,
			     size_t size);
/* Its bytes may be a key's, and are wiped. */
void durable_kept_end(struct durable_kept *kept);

/* The same in a folder that is open already. `path` may lead through folders within it
 * only where nobody else can change them. */
MUST_USE int durable_create_at(int folder, const char *path, const void *bytes,
			       size_t size, const struct durable_owner *owner);
/* Gives a file that is there its owner and mode. */
MUST_USE int durable_settle_at(int folder, const char *path,
			       const struct durable_owner *owner);
/* A new folder; EEXIST when something has its name. The first returns its descriptor. */
MUST_USE int durable_folder_at(int folder, const char *path,
			       const struct durable_owner *owner);
MUST_USE int durable_folder(const char *path, const struct durable_owner *owner);
bool durable_is_empty_at(int folder);

/* A file that is written piece by piece, by its fd: mode 0600 until it is finished. */
struct durable_draft {
	enum durable_way way;
	int folder, fd;
	char name[NAME_MAX + 1], own[NAME_MAX + 1]; /* that it is to have; has so long */
};

MUST_USE int durable_begin(const char *path, enum durable_way way,
			   struct durable_draft *ret);
/* Either way the draft is no more. */
MUST_USE int durable_finish(struct durable_draft *draft,
			    const struct durable_owner *owner);
void durable_abandon(struct durable_draft *draft);

/* Removed, or renamed without overwriting: and that is on disk. */
MUST_USE int durable_remove(const char *path);
MUST_USE int durable_rename(const char *from, const char *to);
/* Renamed only: EEXIST where the new name is taken. */
MUST_USE int durable_move_at(int from_at, const char *from, int to_at, const char *to);

/* A folder's descriptor, to name it by and for fchdir(2), not for reading (O_PATH). */
MUST_USE int durable_open_folder(const char *path);
/* That of the folder which holds `path`. */
MUST_USE int durable_open_parent(const char *path);
/* Opens a file that is there (with O_CLOEXEC), as open(2) does but for root's rule. */
MUST_USE int durable_open_file(const char *path, int flags);
/* To read a regular file: EINVAL for anything else, and no FIFO is waited for. */
MUST_USE int durable_open_regular(const char *path);
/* The name behind the last slash. */
const char *durable_base(const char *path);

/* Puts a folder's entries on disk. */
MUST_USE int durable_sync_at(int folder);

/* All of it, at where the descriptor stands; syncs nothing. After a failure any part of
 * it may be there. */
MUST_USE int durable_write(int fd, const void *bytes, size_t size);

/* A whole regular file, of at most `max` bytes, with a NUL behind it: the caller's to
 * free. Root reads by its rule, too: the bytes may go where others read them. */
MUST_USE int durable_read(const char *path, size_t max, char **ret, size_t *ret_size);
/* No link is followed at the end of `path`. */
MUST_USE int durable_read_at(int folder, const char *path, size_t max, char **ret,
			     size_t *ret_size);
/* All that comes from a descriptor, which is closed; -1 is taken for its failed open. */
MUST_USE int durable_read_fd(int fd, size_t max, char **ret, size_t *ret_size);

#ifdef __cplusplus
}
#endif

#endif
