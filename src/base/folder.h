/*
 * Finds the file that a path leads to, by the rule for symbolic links of
 * cathgate/base/durable.h.
 */
#pragma once

#include <limits.h>

#include "cathgate/base/must_use.h"

/* The descriptor (O_PATH) of the file's folder, and the file's name in it. The name is no
 * symbolic link's; no file need have it yet. -1 with errno. */
MUST_USE int folder_of_file(const char *path, char ret_name[NAME_MAX + 1]);

/* The folder's part of a path, "." where it has none. -1 with errno if it is too long. */
MUST_USE int folder_text(const char *path, char ret[PATH_MAX]);

/* Closes a descriptor, where there is one, and returns `result` with errno as it was. */
int folder_close(int fd, int result);
