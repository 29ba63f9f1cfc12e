#include "arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/log.h"

struct arena_block {
	struct arena_block *older;
	max_align_t bytes[];
};

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
	struct arena_block *block = NULL;

	if (size == 0 || count <= (SIZE_MAX - sizeof(*block)) / size)
		block = calloc(1, sizeof(*block) + count * size);
	if (!block) {
		log_error("out of memory while reading the configuration");
		abort();
	}
	block->older = arena->newest;
	arena->newest = block;
	return block->bytes;
}

char *arena_copy(struct arena *arena, const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(arena_alloc(arena, size, 1), text, size);
}

char *arena_format(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	int length;
	char *text;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		length = 0;
	text = arena_alloc(arena, (size_t)length + 1, 1);
	va_start(arguments, format);
	vsnprintf(text, (size_t)length + 1, format, arguments);
	va_end(arguments);
	return text;
}

void arena_clear(struct arena *arena)
{
	while (arena->newest) {
		struct arena_block *block = arena->newest;

		arena->newest = block->older;
		free(block);
	}
}
