/*
 * A lock that only those can take who may write what it guards. flock(2) lets whoever can
 * read a file lock it; so the lock is a file of its own, 0600, which no reader can open.
 * It stays when the lock is let go: removed, it could be locked twice.
 */
#ifndef CATHGATE_LOCK_FILE_H
#define CATHGATE_LOCK_FILE_H

#include <stdbool.h>

#include "cathgate/base/must_use.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Makes the file where there is none, for the owner of its folder, and locks it; waits at
 * most `wait_ms` for another process that has it locked. Its descriptor, which holds the
 * lock until it is closed; or -1 with errno: EWOULDBLOCK when another process has it
 * locked still, EPERM when it is no file of this user's or the folder's owner. */
MUST_USE int lock_file_take(const char *path, int wait_ms);

/* Whether the lock is still the file at its path. */
bool lock_file_is_there(int lock, const char *path);

#ifdef __cplusplus
}
#endif

#endif
