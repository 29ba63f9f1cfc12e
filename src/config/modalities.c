#include "sections.h"

#include <limits.h>
#include <string.h>

#include "items.h"

/* `entry` is the struct config_modality. */
static void read_addresses(struct reader *reader, const config_setting_t *setting,
			   const struct key *key, void *entry)
{
	struct config_modality *modality = entry;
	size_t count;
	void *items =
		reader_items(reader, setting, key, sizeof(*modality->addresses), &count);

	if (items) {
		modality->addresses = items;
		modality->address_count = count;
	}
}

static void read_user_identity(struct reader *reader, const config_setting_t *setting,
			       const struct key *key, void *field)
{
	unsigned number = 0;

	reader_choice(reader, setting, key, &number);
	*(bool *)field = number == 1;
}

#define BINDING_KEY(key_name, key_item, value)                               \
	{                                                                    \
		.name = #key_name, .read = reader_strings, .item = key_item, \
		.offset = offsetof(struct config_certificate, key_name),     \
		.example = value                                             \
	}

static const struct key certificate_keys[] = {
	BINDING_KEY(sha256, item_digest, "[ \"64 hexadecimal digits\" ]"),
	BINDING_KEY(public_key_sha256, item_digest, "[ \"64 hexadecimal digits\" ]"),
	BINDING_KEY(dns, item_dns, "[ \"angio-3.hospital.example\" ]"),
	BINDING_KEY(uri, item_uri, "[ \"urn:example:angio-3\" ]"),
	BINDING_KEY(common_name, item_common_name, "[ \"angio-3\" ]"),
};

static void read_certificate(struct reader *reader, const config_setting_t *setting,
			     const struct key *key, void *field)
{
	struct config_certificate *certificate = field;
	struct config_place place = reader_place(reader, setting);
	const char *text = config_setting_get_string(setting);

	if (text && strcmp(text, "none") == 0) {
		certificate->none = true;
	} else if (text) {
		reader_fault(
			reader, &place,
			"\"%s\" is no choice here; write certificate = %s, or \"none\" "
			"behind a plain listener",
			text, key->example);
	} else if (!config_setting_is_group(setting)) {
		reader_wrong_type(reader, setting, key, "a group");
	} else if (config_setting_length(setting) == 0) {
		reader_fault(reader, &place,
			     "it binds no certificate; write certificate = %s",
			     key->example);
	} else {
		reader_group(reader, setting, certificate_keys,
			     KEY_COUNT(certificate_keys), certificate);
	}
}

/* The destinations may stand further down in the text, and not be read yet: so the name
 * is looked up in the tree, which has them in the same order. */
static void read_destination(struct reader *reader, const config_setting_t *setting,
			     const struct key *key, void *field)
{
	const config_setting_t *list = reader_member(reader->root, "destinations");
	int count =
		list && config_setting_is_list(list) ? config_setting_length(list) : 0;
	const char *text = config_setting_get_string(setting);
	struct config_place place = reader_place(reader, setting);
	const char *all = "";

	if (!text) {
		reader_wrong_type(reader, setting, key, "a text");
		return;
	}
	for (int i = 0; i < count; i++) {
		const config_setting_t *member =
			reader_member(config_setting_get_elem(list, (unsigned)i), "name");
		const char *name = member ? config_setting_get_string(member) : NULL;

		if (!name)
			continue;
		if (strcmp(name, text) == 0) {
			*(size_t *)field = (size_t)i;
			return;
		}
		all = arena_format(reader->arena, "%s%s\"%s\"", all,
				   *all != '\0' ? ", " : "", name);
	}
	reader_fault(reader, &place,
		     "there is no destination \"%s\"; destinations defined: %s", text,
		     *all != '\0' ? all : "none");
}

static const char *const identities[] = { "note", "pass", NULL };
static const char *const echoes[] = { "gateway", "destination", NULL };
static const char *const spools[] = { "off", "fallback", "always", NULL };

#define FIELD(field) .offset = offsetof(struct config_modality, field)

static const struct key modality_keys[] = {
	{ .name = "name",
	  .read = reader_text,
	  .item = item_name,
	  .required = true,
	  FIELD(name),
	  .example = "\"angio-3\"" },
	{ .name = "ae_titles",
	  .read = reader_ae_titles,
	  .item = item_ae_title,
	  .required = true,
	  FIELD(ae_titles),
	  .example = "[ \"CATHLAB3\" ]" },
	{ .name = "called_ae_titles",
	  .read = reader_ae_titles,
	  .item = item_ae_title,
	  .required = true,
	  FIELD(called_ae_titles),
	  .example = "[ \"CATHGATE\" ]" },
	{ .name = "certificate",
	  .read = read_certificate,
	  .required = true,
	  FIELD(certificate),
	  .example = "{ sha256 = [ \"64 hexadecimal digits\" ]; }" },
	{ .name = "addresses",
	  .read = read_addresses,
	  .item = item_address_range,
	  .example = "[ \"192.168.40.0/24\" ], or remove the key for any" },
	{ .name = "sop_classes",
	  .read = reader_strings,
	  .item = item_sop_class,
	  FIELD(sop_classes),
	  .example = "[ \"XRayAngiographicImageStorage\" ], or remove the key for any "
		     "storage class" },
	{ .name = "move_originators",
	  .read = reader_ae_titles,
	  .item = item_ae_title,
	  FIELD(move_originators),
	  .empty = "none",
	  .example = "[ \"WORKSTATION\" ]" },
	{ .name = "user_identity",
	  .read = read_user_identity,
	  .words = identities,
	  FIELD(user_identity_pass),
	  .example = "\"note\"" },
	{ .name = "echo",
	  .read = reader_choice,
	  .words = echoes,
	  FIELD(echo),
	  .example = "\"gateway\"" },
	{ .name = "spool",
	  .read = reader_choice,
	  .words = spools,
	  FIELD(spool),
	  .example = "\"fallback\"" },
	{ .name = "destination",
	  .read = read_destination,
	  .required = true,
	  FIELD(destination),
	  .example = "\"pacs\"" },
	{ .name = "idle_seconds",
	  .read = reader_unsigned,
	  FIELD(idle_seconds),
	  .min = 1,
	  .max = 604800,
	  .zero = "never",
	  .example = "3600" },
	{ .name = "max_associations",
	  .read = reader_unsigned,
	  FIELD(max_associations),
	  .min = 1,
	  .max = 4096,
	  .example = "4" },
	{ .name = "max_handshakes_per_minute",
	  .read = reader_unsigned,
	  FIELD(max_handshakes_per_minute),
	  .min = 1,
	  .max = 1000000,
	  .example = "60" },
	{ .name = "max_bytes_per_second",
	  .read = reader_int64,
	  FIELD(max_bytes_per_second),
	  .min = 1024,
	  .max = 1000000000000,
	  .zero = "no limit",
	  .example = "0" },
	{ .name = "max_instances_per_minute",
	  .read = reader_unsigned,
	  FIELD(max_instances_per_minute),
	  .min = 1,
	  .max = 10000000,
	  .zero = "no limit",
	  .example = "0" },
};

/* max_associations of an entry that doesn't give it. */
#define ASSOCIATIONS_USUAL 4

static void read_entry(struct reader *reader, const config_setting_t *group,
		       struct config_modality *ret)
{
	*ret = (struct config_modality){
		.place = reader_place(reader, group),
		.idle_seconds = UINT_MAX, /* sections_check: that of limits */
		.max_associations = ASSOCIATIONS_USUAL,
		.max_handshakes_per_minute = 60,
		.spool = CONFIG_SPOOL_USUAL, /* likewise: that of spool */
	};
	reader_group(reader, group, modality_keys, KEY_COUNT(modality_keys), ret);
}

void modalities_read(struct reader *reader, const config_setting_t *setting,
		     const struct key *key, void *object)
{
	struct config *config = object;
	struct config_modality *modalities;
	size_t count;

	if (reader->drop_ins.has_folder && config_setting_is_list(setting) &&
	    config_setting_length(setting) == 0)
		return;
	modalities = reader_groups(reader, setting, key, sizeof(*modalities), &count);
	if (!modalities)
		return;
	reader->modality_groups =
		arena_alloc(reader->arena, count, sizeof(*reader->modality_groups));
	for (size_t i = 0; i < count; i++) {
		reader->modality_groups[i] =
			config_setting_get_elem(setting, (unsigned)i);
		read_entry(reader, reader->modality_groups[i], &modalities[i]);
	}
	config->modalities = modalities;
	config->modality_count = count;
}

/* Without an entry no modality may connect. With the folder this is no error: a new
 * gateway has no entries yet, and removing the last entry must take effect. */
static void check_any(struct reader *reader, const struct config *config)
{
	struct config_place place = { .file = reader->path, .key = "modalities" };

	if (reader->drop_ins.has_folder) {
		if (config->modality_count == 0 && reader->drop_ins.count == 0)
			config_fault_add(reader->faults, CONFIG_WARNING, &place,
					 "no modality may connect yet; add one with: "
					 "cathgate modality add");
	} else if (!reader_member(reader->root, "modalities")) {
		reader_fault(reader, &place,
			     "it is missing; write modalities = " MODALITIES_EXAMPLE
			     ", or make the folder " CONFIG_MODALITIES_FOLDER
			     " and add one with: cathgate modality add");
	}
}

void modalities_read_drop_ins(struct reader *reader, struct config *config)
{
	size_t count = config->modality_count, room = count + reader->drop_ins.count;
	struct config_modality *modalities =
		arena_alloc(reader->arena, room, sizeof(*modalities));
	const config_setting_t **groups =
		arena_alloc(reader->arena, room, sizeof(*groups));

	check_any(reader, config);
	if (count > 0) {
		memcpy(modalities, config->modalities, count * sizeof(*modalities));
		memcpy(groups, reader->modality_groups, count * sizeof(*groups));
	}
	for (size_t i = 0; i < reader->drop_ins.count; i++) {
		const struct drop_in *drop_in = &reader->drop_ins.items[i];

		if (!drop_in->good)
			continue;
		groups[count] = config_root_setting(&drop_in->tree);
		read_entry(reader, groups[count], &modalities[count]);
		count++;
	}
	config->modalities = modalities;
	config->modality_count = count;
	reader->modality_groups = groups;
}
