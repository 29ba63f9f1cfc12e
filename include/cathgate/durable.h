/*
 * Files that are there whole and on disk, or not at all. A file is never open to more
 * than its owner before it has the owner and the mode that it is to have.
 *
 * All return 0, or -1 with errno set and nothing left behind; what replaces or renames
 * something can fail with it done, when only its way to the disk failed.
 */
#ifndef CATHGATE_DURABLE_H
#define CATHGATE_DURABLE_H

#include <stddef.h>
#include <sys/types.h>

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
int durable_create(const char *path, const void *bytes, size_t size,
		   const struct durable_owner *owner);
/* The same, in the place of whatever is there. */
int durable_replace(const char *path, const void *bytes, size_t size,
		    const struct durable_owner *owner);
/* Gives a file that is there its owner and mode. */
int durable_settle(const char *path, const struct durable_owner *owner);
int durable_folder(const char *path, const struct durable_owner *owner);

/* Removed, or renamed without overwriting: and that is on disk. */
int durable_remove(const char *path);
int durable_rename(const char *from, const char *to);

/* Puts a folder's entries on disk; the folder that holds `path`. */
int durable_sync_folder(const char *folder);
int durable_sync_parent(const char *path);

/* All of it, at where the descriptor stands; syncs nothing. After a failure any part of
 * it may be there. */
int durable_write(int fd, const void *bytes, size_t size);

/* A whole file, of at most `max` bytes, with a NUL behind it: the caller's to free. */
int durable_read(const char *path, size_t max, char **ret, size_t *ret_size);

#ifdef __cplusplus
}
#endif

#endif
