/*
 * Rights that a process gives up for those of a user, for good.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "cathgate/base/must_use.h"

/* With the user's other groups, and `count` more. 0, or -1 with errno: the process then
 * must end, because it may have given up a part of its rights. */
MUST_USE int user_become(const char *name, uid_t user, gid_t group, const gid_t *more,
			 size_t count);
