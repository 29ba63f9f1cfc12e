#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/config/config.h"
#include "layouts.h"

/* An unpacked entry and its memory. */
struct whole_entry {
	struct config_modality entry; /* first: config_entry_free gets its address */
	struct arena arena;
};

int config_entry_pack(const struct config_modality *entry, uint8_t **ret,
		      size_t *ret_size)
{
	return pack_bytes(layout_entry.fields, layout_entry.count, entry, ret, ret_size);
}

struct config_modality *config_entry_unpack(const uint8_t *bytes, size_t size)
{
	struct whole_entry *whole = calloc(1, sizeof(*whole));

	if (!whole)
		return NULL;
	if (pack_take(&layout_entry, bytes, size, &whole->arena, &whole->entry) == 0)
		return &whole->entry;
	config_entry_free(&whole->entry);
	return NULL;
}

void config_entry_free(struct config_modality *entry)
{
	struct whole_entry *whole = (struct whole_entry *)entry;

	if (!whole)
		return;
	arena_clear(&whole->arena);
	free(whole);
}

static bool fields_differ(const struct config_modality *a,
			  const struct config_modality *b, const struct pack_field *some,
			  size_t count)
{
	uint8_t *bytes[2] = { NULL, NULL };
	size_t sizes[2];
	bool same = pack_bytes(some, count, a, &bytes[0], &sizes[0]) == 0 &&
		    pack_bytes(some, count, b, &bytes[1], &sizes[1]) == 0 &&
		    sizes[0] == sizes[1] && memcmp(bytes[0], bytes[1], sizes[0]) == 0;

	free(bytes[0]);
	free(bytes[1]);
	return !same;
}

void config_entry_changes(const struct config_modality *before,
			  const struct config_modality *now, char *ret, size_t size)
{
	const struct pack_field *fields = layout_entry.fields;
	size_t used = 0;

	ret[0] = '\0';
	if (!fields_differ(before, now, fields, layout_entry.count))
		return;
	for (size_t i = 0; i < layout_entry.count && used < size; i++)
		if (fields_differ(before, now, &fields[i], 1))
			used += (size_t)snprintf(ret + used, size - used, "%s%s",
						 used ? ", " : "", fields[i].key);
}
