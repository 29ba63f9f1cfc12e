/*
 * A lock for a file that others may read. flock(2) lets any user who can open a file lock
 * it, so the lock is a file of its own with mode 0600. The file stays when the lock is
 * released: if it were removed, two processes could hold locks at the same path.
 */
#pragma once

#include <stdbool.h>

#include "cathgate/base/must_use.h"

/* Makes the file if there is none, for the owner of its folder, and locks it. Waits at
 * most `wait_ms` for another process's lock. Returns the file's descriptor, which holds
 * the lock until it is closed; or -1 with errno: EWOULDBLOCK when another process still
 * has the lock, EPERM when the file belongs to neither this user nor the folder's owner.
 */
MUST_USE int lock_file_take(const char *path, int wait_ms);

/* Whether the path still leads to the locked file. */
bool lock_file_is_there(int lock, const char *path);
