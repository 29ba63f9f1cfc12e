/*
 * Whether the number of a user or group means one. In a user namespace, as
 * PrivateUsers=yes makes it, most have no number: all of these are shown by that of
 * nobody, though each is another.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Also true where that can't be known. */
bool ids_are_user(uid_t user);
bool ids_are_group(gid_t group);

/* Whether only root, or this process's own user, could change what that user owns. */
bool ids_trust_owner(uid_t owner);
