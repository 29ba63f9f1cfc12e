/*
 * What to do about a file that the gateway's user may not read, as commands to copy.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Writes "as root: chgrp cathgate FILE; chmod 640 FILE", or what its folder or a key
 * needs.
 * "" where this process seems not to be the gateway: none of its groups is the group of
 * the file's folder. */
void unreadable_cure(const char *path, bool is_key, char *ret, size_t size);
