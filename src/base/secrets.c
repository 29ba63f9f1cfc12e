#include "cathgate/base/secrets.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/log.h"

static bool overwriting;

static void *allocate(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return size > 0 ? malloc(size) : NULL;
}

static void release(void *memory, const char *file, int line)
{
	(void)file;
	(void)line;
	if (memory && overwriting)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

/* realloc() could free the old block without overwriting it. */
static void *move(void *memory, size_t size, const char *file, int line)
{
	size_t old_size = malloc_usable_size(memory);
	void *moved = malloc(size);

	if (!moved)
		return NULL;
	memcpy(moved, memory, old_size < size ? old_size : size);
	release(memory, file, line);
	return moved;
}

static void *reallocate(void *memory, size_t size, const char *file, int line)
{
	if (size == 0) {
		release(memory, file, line);
		return NULL;
	}
	return memory && overwriting ? move(memory, size, file, line)
				     : realloc(memory, size);
}

void secrets_init(void)
{
	if (CRYPTO_set_mem_functions(allocate, reallocate, release) != 1)
		log_bug("OpenSSL was used before secrets_init");
}

void secrets_begin(void)
{
	overwriting = true;
}

void secrets_end(void)
{
	overwriting = false;
}
