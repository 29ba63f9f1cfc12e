/*
 * Memory for one configuration, allocated in pieces and freed as a whole. No function
 * returns NULL: without memory the process ends, as it would in libconfig.
 */
#pragma once

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *newest;
};

/* Zeroed memory for `count` things of `size` bytes. */
void *arena_alloc(struct arena *arena, size_t count, size_t size);
char *arena_copy(struct arena *arena, const char *text);
char *arena_format(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void arena_clear(struct arena *arena);
