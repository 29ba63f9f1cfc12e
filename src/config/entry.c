#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "cathgate/config/config.h"

/* An unpacked entry and its memory. */
struct whole_entry {
	struct config_modality entry; /* first: config_entry_free gets its address */
	struct arena arena;
};

struct unpacker {
	const uint8_t *at;
	size_t left;
	bool short_of_bytes;
	struct arena *arena;
};

static void put_count(FILE *to, size_t count)
{
	uint32_t number = (uint32_t)count;

	fwrite(&number, sizeof(number), 1, to);
}

static void take_bytes(struct unpacker *from, void *ret, size_t size)
{
	if (size > from->left) {
		from->short_of_bytes = true;
		from->left = 0;
		memset(ret, 0, size);
		return;
	}
	memcpy(ret, from->at, size);
	from->at += size;
	from->left -= size;
}

/* The number of things that follow, of at least `size` bytes each. */
static size_t take_count(struct unpacker *from, size_t size)
{
	uint32_t number;

	take_bytes(from, &number, sizeof(number));
	if (number <= from->left / size)
		return number;
	from->short_of_bytes = true;
	return 0;
}

static void pack_text(FILE *to, const void *field)
{
	const char *text = *(const char *const *)field;
	size_t size = strlen(text) + 1;

	put_count(to, size);
	fwrite(text, size, 1, to);
}

static void unpack_text(struct unpacker *from, void *field)
{
	size_t size = take_count(from, 1);
	char *text = arena_alloc(from->arena, size + 1, 1);

	take_bytes(from, text, size);
	*(const char **)field = text;
}

static void pack_strings(FILE *to, const void *field)
{
	const struct config_strings *strings = field;

	put_count(to, strings->count);
	for (size_t i = 0; i < strings->count; i++)
		pack_text(to, &strings->items[i]);
}

static void unpack_strings(struct unpacker *from, void *field)
{
	struct config_strings *strings = field;

	strings->count = take_count(from, sizeof(uint32_t));
	strings->items =
		arena_alloc(from->arena, strings->count, sizeof(*strings->items));
	for (size_t i = 0; i < strings->count; i++)
		unpack_text(from, &strings->items[i]);
}

static void pack_ae_titles(FILE *to, const void *field)
{
	const struct config_ae_titles *titles = field;

	put_count(to, titles->count);
	for (size_t i = 0; i < titles->count; i++) {
		struct ae_title title = { "" }; /* zeros behind the NUL */

		strcpy(title.text, titles->items[i].text);
		fwrite(&title, sizeof(title), 1, to);
	}
}

static void unpack_ae_titles(struct unpacker *from, void *field)
{
	struct config_ae_titles *titles = field;

	titles->count = take_count(from, sizeof(*titles->items));
	titles->items = arena_alloc(from->arena, titles->count, sizeof(*titles->items));
	take_bytes(from, titles->items, titles->count * sizeof(*titles->items));
}

static void pack_certificate(FILE *to, const void *field)
{
	const struct config_certificate *certificate = field;

	put_count(to, certificate->none);
	pack_strings(to, &certificate->sha256);
	pack_strings(to, &certificate->public_key_sha256);
	pack_strings(to, &certificate->dns);
	pack_strings(to, &certificate->uri);
	pack_strings(to, &certificate->common_name);
}

static void unpack_certificate(struct unpacker *from, void *field)
{
	struct config_certificate *certificate = field;
	uint32_t none;

	take_bytes(from, &none, sizeof(none));
	certificate->none = none != 0;
	unpack_strings(from, &certificate->sha256);
	unpack_strings(from, &certificate->public_key_sha256);
	unpack_strings(from, &certificate->dns);
	unpack_strings(from, &certificate->uri);
	unpack_strings(from, &certificate->common_name);
}

/* The addresses are two members of the entry, not a struct: so `field` is the entry. */
static void pack_addresses(FILE *to, const void *field)
{
	const struct config_modality *entry = field;

	put_count(to, entry->address_count);
	for (size_t i = 0; i < entry->address_count; i++) {
		const struct address_range *range = &entry->addresses[i];

		fwrite(range->network.bytes, sizeof(range->network.bytes), 1, to);
		put_count(to, range->network.v6);
		put_count(to, range->prefix_bits);
	}
}

static void unpack_addresses(struct unpacker *from, void *field)
{
	struct config_modality *entry = field;
	uint32_t number;

	entry->address_count = take_count(from, sizeof(struct address));
	entry->addresses =
		arena_alloc(from->arena, entry->address_count, sizeof(*entry->addresses));
	for (size_t i = 0; i < entry->address_count; i++) {
		struct address_range *range = &entry->addresses[i];

		take_bytes(from, range->network.bytes, sizeof(range->network.bytes));
		take_bytes(from, &number, sizeof(number));
		range->network.v6 = number != 0;
		take_bytes(from, &number, sizeof(number));
		range->prefix_bits = number;
	}
}

static void pack_bool(FILE *to, const void *field)
{
	put_count(to, *(const bool *)field);
}

static void unpack_bool(struct unpacker *from, void *field)
{
	uint32_t number;

	take_bytes(from, &number, sizeof(number));
	*(bool *)field = number != 0;
}

static void pack_unsigned(FILE *to, const void *field)
{
	put_count(to, *(const unsigned *)field);
}

static void unpack_unsigned(struct unpacker *from, void *field)
{
	uint32_t number;

	take_bytes(from, &number, sizeof(number));
	*(unsigned *)field = number;
}

static void pack_int64(FILE *to, const void *field)
{
	fwrite(field, sizeof(int64_t), 1, to);
}

static void unpack_int64(struct unpacker *from, void *field)
{
	take_bytes(from, field, sizeof(int64_t));
}

#define FIELD(key, kind)                                                                \
	{                                                                               \
#key, offsetof(struct config_modality, key), pack_##kind, unpack_##kind \
	}

static const struct field {
	const char *key;
	size_t offset;
	void (*pack)(FILE *to, const void *field);
	void (*unpack)(struct unpacker *from, void *field);
} fields[] = {
	FIELD(name, text),
	FIELD(ae_titles, ae_titles),
	FIELD(called_ae_titles, ae_titles),
	FIELD(certificate, certificate),
	{ "addresses", 0, pack_addresses, unpack_addresses },
	FIELD(sop_classes, strings),
	FIELD(move_originators, ae_titles),
	{ "user_identity", offsetof(struct config_modality, user_identity_pass),
	  pack_bool, unpack_bool },
	FIELD(echo, unsigned),
	FIELD(idle_seconds, unsigned),
	FIELD(max_associations, unsigned),
	FIELD(max_handshakes_per_minute, unsigned),
	FIELD(max_bytes_per_second, int64),
	FIELD(max_instances_per_minute, unsigned),
};

#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

/* Packs some of the fields. 0, or -1 without memory. */
MUST_USE static int pack_fields(const struct config_modality *entry,
				const struct field *some, size_t count, uint8_t **ret,
				size_t *ret_size)
{
	char *bytes = NULL;
	FILE *to = open_memstream(&bytes, ret_size);
	bool good = to != NULL;

	for (size_t i = 0; to && i < count; i++)
		some[i].pack(to, (const char *)entry + some[i].offset);
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

int config_entry_pack(const struct config_modality *entry, uint8_t **ret,
		      size_t *ret_size)
{
	return pack_fields(entry, fields, FIELD_COUNT, ret, ret_size);
}

struct config_modality *config_entry_unpack(const uint8_t *bytes, size_t size)
{
	struct whole_entry *whole = calloc(1, sizeof(*whole));
	struct unpacker from = { .at = bytes, .left = size };

	if (!whole)
		return NULL;
	from.arena = &whole->arena;
	for (size_t i = 0; i < FIELD_COUNT; i++)
		fields[i].unpack(&from, (char *)&whole->entry + fields[i].offset);
	if (!from.short_of_bytes && from.left == 0)
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
			  const struct config_modality *b, const struct field *some,
			  size_t count)
{
	uint8_t *bytes[2] = { NULL, NULL };
	size_t sizes[2];
	bool same = pack_fields(a, some, count, &bytes[0], &sizes[0]) == 0 &&
		    pack_fields(b, some, count, &bytes[1], &sizes[1]) == 0 &&
		    sizes[0] == sizes[1] && memcmp(bytes[0], bytes[1], sizes[0]) == 0;

	free(bytes[0]);
	free(bytes[1]);
	return !same;
}

void config_entry_changes(const struct config_modality *before,
			  const struct config_modality *now, char *ret, size_t size)
{
	size_t used = 0;

	ret[0] = '\0';
	if (!fields_differ(before, now, fields, FIELD_COUNT))
		return;
	for (size_t i = 0; i < FIELD_COUNT && used < size; i++)
		if (fields_differ(before, now, &fields[i], 1))
			used += (size_t)snprintf(ret + used, size - used, "%s%s",
						 used ? ", " : "", fields[i].key);
}
