/*
 * Bytes for another process of this program, in a memory file (memfd_create(2)) that
 * nobody can change any more. Its descriptor is passed on, or inherited.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cathgate/base/must_use.h"

/* The descriptor is the caller's, and close-on-exec. -1 with errno. */
MUST_USE int memory_file_seal(const void *bytes, size_t size);
/* The same of what `write` writes, which returns 0, or -1 without memory. Nothing of it
 * is left in this process's memory; so a few large pieces are better than many small. */
MUST_USE int memory_file_make(int (*write)(const void *context, FILE *to),
			      const void *context);
/* All that the file holds; the caller frees it. NULL when it isn't there (-1), can't be
 * read, or without memory. The file's offset is of no account, and is moved. */
MUST_USE uint8_t *memory_file_read(int file, size_t *ret_size);
/* Whether the descriptor is of a file that memory_file_seal has made. */
MUST_USE bool memory_file_is_sealed(int file);
