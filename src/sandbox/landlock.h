/*
 * Landlock by its system calls: glibc has none, and Debian 12's header ends at ABI 2.
 */
#pragma once

#include <stdbool.h>

#include "cathgate/sandbox/sandbox.h"

/* What is wrong where one of the calls answers EPERM, with the cure. */
#define LANDLOCK_FORBIDDEN                                                       \
	"Landlock's system calls are forbidden: SystemCallFilter= of the unit, " \
	"or what the gateway runs in, must allow landlock_create_ruleset, "      \
	"landlock_add_rule and landlock_restrict_self"

/* The kernel's ABI, 1 or more; -1 with errno: ENOSYS (too old, or another filter),
 * EOPNOTSUPP (not started with it), EPERM (a filter forbids it). */
int landlock_abi(void);
/* Whether files count in that role's sandbox. */
bool landlock_holds(enum sandbox_role role);
/* From here on the process reaches these paths alone. 0; or -1 with errno. Does nothing
 * where the kernel has no Landlock. */
MUST_USE int landlock_enter(enum sandbox_role role, const struct sandbox_path *paths,
			    size_t count);
