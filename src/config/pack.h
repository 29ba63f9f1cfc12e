/*
 * Structs as bytes for another process of this program: one packer, and a table of fields
 * for each struct. Both processes are of the same build, so numbers go as they stand in
 * memory.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "arena.h"
#include "cathgate/base/must_use.h"

enum pack_kind {
	PACK_BYTES, /* `size` of them, without padding: numbers, enums */
	PACK_BOOL,
	PACK_TEXT,
	PACK_MAYBE_TEXT, /* NULL where there is none */
	PACK_AE_TITLE,
	PACK_STRUCT, /* a `layout` */
	PACK_LIST /* a pointer to so many of a `layout` as the size_t at `count` says */
};

struct pack_field {
	const char *key;
	enum pack_kind kind;
	size_t offset, size;
	size_t count; /* offset, like the other */
	const struct pack_layout *layout;
};

struct pack_layout {
	size_t size;
	const struct pack_field *fields;
	size_t count;
};

#define PACK_NUMBER(type, key)                                                         \
	{                                                                              \
#key, PACK_BYTES, offsetof(type, key), sizeof(((type *)NULL)->key), 0, \
			NULL                                                           \
	}
#define PACK_ONE(type, key, kind)                           \
	{                                                   \
#key, kind, offsetof(type, key), 0, 0, NULL \
	}
#define PACK_NESTED(type, key, layout)                                  \
	{                                                               \
#key, PACK_STRUCT, offsetof(type, key), 0, 0, &(layout) \
	}
#define PACK_ITEMS(type, key, count, layout)                                    \
	{                                                                       \
#key, PACK_LIST, offsetof(type, key), 0, offsetof(type, count), \
			&(layout)                                               \
	}
#define PACK_LAYOUT(type, fields)                                          \
	{                                                                  \
		sizeof(type), fields, sizeof(fields) / sizeof((fields)[0]) \
	}

void pack_put(FILE *to, const struct pack_field *fields, size_t count, const void *from);
/* The caller frees *ret. 0, or -1 without memory. */
MUST_USE int pack_bytes(const struct pack_field *fields, size_t count, const void *from,
			uint8_t **ret, size_t *ret_size);
/* Fills what is zeroed, with memory of the arena. 0, or -1 when the bytes are not those
 * of that layout alone. */
MUST_USE int pack_take(const struct pack_layout *layout, const uint8_t *bytes,
		       size_t size, struct arena *arena, void *ret);
