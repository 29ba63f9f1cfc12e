#include "cathgate/config/config.h"

#include <stdlib.h>
#include <string.h>

#include "layouts.h"
#include "scan.h"
#include "sections.h"

/* A configuration and its memory. */
struct whole {
	struct config config; /* first: config_free gets its address */
	struct arena arena;
};

static void read_tree(struct reader *reader, config_t *tree, struct config *config)
{
	struct scan scan = { .faults = reader->faults,
			     .path = reader->path,
			     .folder = reader->folder };

	if (reader_tree(reader, reader->path, tree) < 0)
		return;
	if (scan_attach(&scan, config_root_setting(tree)) == 0) {
		reader->root = config_root_setting(tree);
		drop_ins_read(reader, &reader->drop_ins);
		sections_read(reader, config);
		sections_check(reader, config);
		config->places = reader->places;
		config->place_count = reader->place_count;
		drop_ins_clear(&reader->drop_ins);
	}
	scan_clear(&scan);
}

int config_load(const char *path, const struct config_sop_classes *sop_classes,
		struct config **ret, struct config_faults *faults)
{
	return config_load_with(path, NULL, sop_classes, ret, faults);
}

int config_load_with(const char *path, const char *more,
		     const struct config_sop_classes *sop_classes, struct config **ret,
		     struct config_faults *faults)
{
	struct config_place place = { .file = path };
	size_t errors_before = faults->error_count;
	struct reader reader = { .faults = faults,
				 .sop_classes = sop_classes,
				 .more = more };
	struct whole *whole;
	config_t tree;

	whole = calloc(1, sizeof(*whole));
	if (!whole) {
		config_fault_add(faults, CONFIG_ERROR, &place, "out of memory");
		return -1;
	}
	reader.arena = &whole->arena;
	reader.path = whole->config.path = arena_copy(&whole->arena, path);
	if (reader_find_folder(&reader) == 0) {
		config_init(&tree);
		read_tree(&reader, &tree, &whole->config);
		config_destroy(&tree);
	}
	if (faults->error_count > errors_before) {
		config_free(&whole->config);
		return -1;
	}
	*ret = &whole->config;
	return 0;
}

void config_free(struct config *config)
{
	struct whole *whole = (struct whole *)config;

	if (!whole)
		return;
	arena_clear(&whole->arena);
	free(whole);
}

int config_pack(const struct config *config, uint8_t **ret, size_t *ret_size)
{
	return pack_bytes(layout_config.fields, layout_config.count, config, ret,
			  ret_size);
}

/* Whether each entry's destination is one of the configuration's. */
static bool is_consistent(const struct config *config)
{
	for (size_t i = 0; i < config->modality_count; i++)
		if (config->modalities[i].destination >= config->destination_count)
			return false;
	return true;
}

struct config *config_unpack(const uint8_t *bytes, size_t size)
{
	struct whole *whole = calloc(1, sizeof(*whole));

	if (!whole)
		return NULL;
	if (pack_take(&layout_config, bytes, size, &whole->arena, &whole->config) == 0 &&
	    is_consistent(&whole->config))
		return &whole->config;
	config_free(&whole->config);
	return NULL;
}

/* An entry in modalities.d stands at the top of its file: its group has no key. */
struct config_place config_place_of(const struct config *config,
				    const struct config_place *group, const char *key)
{
	size_t length = group->key ? strlen(group->key) : 0;
	struct config_place found = *group;

	found.key = key;
	for (size_t i = 0; i < config->place_count; i++) {
		const struct config_place *place = &config->places[i];

		if (!place->key)
			continue;
		if (length == 0 ? strcmp(place->file, group->file) == 0 &&
					  strcmp(place->key, key) == 0
				: strncmp(place->key, group->key, length) == 0 &&
					  place->key[length] == '.' &&
					  strcmp(place->key + length + 1, key) == 0)
			return *place;
	}
	return found;
}
