#include "pack.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/ae_title.h"

#define LEAST_BYTES sizeof(uint32_t) /* of a list's item */

static void put_count(FILE *to, size_t count)
{
	uint32_t number = (uint32_t)count;

	fwrite(&number, sizeof(number), 1, to);
}

static void put_text(FILE *to, const char *text)
{
	size_t size = text ? strlen(text) + 1 : 0;

	put_count(to, size);
	if (size > 0)
		fwrite(text, size, 1, to);
}

static void put_ae_title(FILE *to, const struct ae_title *from)
{
	struct ae_title title = { "" }; /* zeros behind the NUL */

	strcpy(title.text, from->text);
	fwrite(&title, sizeof(title), 1, to);
}

static void put_list(FILE *to, const struct pack_field *field, const char *from)
{
	const struct pack_layout *layout = field->layout;
	const char *items;
	size_t count;

	memcpy(&items, from + field->offset, sizeof(items));
	memcpy(&count, from + field->count, sizeof(count));
	put_count(to, count);
	for (size_t i = 0; i < count; i++)
		pack_put(to, layout->fields, layout->count, items + i * layout->size);
}

void pack_put(FILE *to, const struct pack_field *fields, size_t count, const void *from)
{
	for (size_t i = 0; i < count; i++) {
		const struct pack_field *field = &fields[i];
		const void *at = (const char *)from + field->offset;

		switch (field->kind) {
		case PACK_BYTES:
			fwrite(at, field->size, 1, to);
			break;
		case PACK_BOOL:
			put_count(to, *(const bool *)at);
			break;
		case PACK_TEXT:
		case PACK_MAYBE_TEXT:
			put_text(to, *(const char *const *)at);
			break;
		case PACK_AE_TITLE:
			put_ae_title(to, at);
			break;
		case PACK_STRUCT:
			pack_put(to, field->layout->fields, field->layout->count, at);
			break;
		case PACK_LIST:
			put_list(to, field, from);
			break;
		}
	}
}

int pack_bytes(const struct pack_field *fields, size_t count, const void *from,
	       uint8_t **ret, size_t *ret_size)
{
	char *bytes = NULL;
	FILE *to = open_memstream(&bytes, ret_size);
	bool good = to != NULL;

	if (to)
		pack_put(to, fields, count, from);
	good = good && ferror(to) == 0;
	if (to && fclose(to) != 0)
		good = false;
	if (!good) {
		free(bytes);
		return -1;
	}
	*ret = (uint8_t *)bytes;
	return 0;
}

struct taker {
	const uint8_t *at;
	size_t left;
	bool is_bad;
	struct arena *arena;
};

static void take_bytes(struct taker *from, void *ret, size_t size)
{
	if (size > from->left) {
		from->is_bad = true;
		from->left = 0;
		memset(ret, 0, size);
		return;
	}
	memcpy(ret, from->at, size);
	from->at += size;
	from->left -= size;
}

/* The number of things that follow, of at least `size` bytes each. */
static size_t take_count(struct taker *from, size_t size)
{
	uint32_t number;

	take_bytes(from, &number, sizeof(number));
	if (number <= from->left / size)
		return number;
	from->is_bad = true;
	return 0;
}

static void take_bool(struct taker *from, bool *ret)
{
	uint32_t number;

	take_bytes(from, &number, sizeof(number));
	if (number > 1)
		from->is_bad = true;
	*ret = number != 0;
}

/* The text stays where it is, in the arena's copy of the bytes. */
static void take_text(struct taker *from, bool is_needed, const char **ret)
{
	size_t size = take_count(from, 1);
	const char *text = (const char *)from->at;

	*ret = is_needed ? "" : NULL;
	if (size == 0 || memchr(text, 0, size) != text + size - 1) {
		from->is_bad |= size > 0 || is_needed;
		return;
	}
	*ret = text;
	from->at += size;
	from->left -= size;
}

static void take_ae_title(struct taker *from, struct ae_title *ret)
{
	take_bytes(from, ret, sizeof(*ret));
	if (ret->text[AE_TITLE_MAX] != '\0')
		from->is_bad = true;
	ret->text[AE_TITLE_MAX] = '\0';
}

static void take_fields(struct taker *from, const struct pack_layout *layout, char *ret);

static void take_list(struct taker *from, const struct pack_field *field, char *ret)
{
	const struct pack_layout *layout = field->layout;
	size_t count = take_count(from, LEAST_BYTES);
	char *items = count > 0 ? arena_alloc(from->arena, count, layout->size) : NULL;

	for (size_t i = 0; i < count && !from->is_bad; i++)
		take_fields(from, layout, items + i * layout->size);
	memcpy(ret + field->offset, &items, sizeof(items));
	memcpy(ret + field->count, &count, sizeof(count));
}

static void take_fields(struct taker *from, const struct pack_layout *layout, char *ret)
{
	for (size_t i = 0; i < layout->count; i++) {
		const struct pack_field *field = &layout->fields[i];
		void *at = ret + field->offset;

		switch (field->kind) {
		case PACK_BYTES:
			take_bytes(from, at, field->size);
			break;
		case PACK_BOOL:
			take_bool(from, at);
			break;
		case PACK_TEXT:
		case PACK_MAYBE_TEXT:
			take_text(from, field->kind == PACK_TEXT, at);
			break;
		case PACK_AE_TITLE:
			take_ae_title(from, at);
			break;
		case PACK_STRUCT:
			take_fields(from, field->layout, at);
			break;
		case PACK_LIST:
			take_list(from, field, ret);
			break;
		}
	}
}

int pack_take(const struct pack_layout *layout, const uint8_t *bytes, size_t size,
	      struct arena *arena, void *ret)
{
	uint8_t *copy = arena_alloc(arena, size + 1, 1);
	struct taker from = { .at = copy, .left = size, .arena = arena };

	memcpy(copy, bytes, size);
	take_fields(&from, layout, ret);
	return from.is_bad || from.left > 0 ? -1 : 0;
}
