#include "sections.h"

#include <string.h>

#include "items.h"

#define DIRECTORY_USUAL "/var/lib/cathgate/spool"

static const char *const modes[] = { "off", "fallback", "always", NULL };
static const char *const resends[] = { "once", "forward", NULL };
static const char *const conflicts[] = { "forward", "quarantine", NULL };

/* "entry", or a list of transfer syntaxes. */
static void read_accept(struct reader *reader, const config_setting_t *setting,
			const struct key *key, void *field)
{
	const char *text = config_setting_get_string(setting);
	struct config_strings *accept = field;

	if (text && strcmp(text, "entry") == 0)
		*accept = (struct config_strings){ .count = 0 };
	else
		reader_strings(reader, setting, key, field);
}

#define FIELD(field) .offset = offsetof(struct config_spool, field)
#define NUMBER_KEY(key_name, least, most, value)                                       \
	{                                                                              \
		.name = #key_name, .read = reader_unsigned, .min = least, .max = most, \
		FIELD(key_name), .example = value                                      \
	}
#define BYTES_KEY(key_name, least, nothing, value)                                       \
	{                                                                                \
		.name = #key_name, .read = reader_int64, .min = least, .max = 1LL << 50, \
		.zero = nothing, FIELD(key_name), .example = value                       \
	}

static const struct key spool_keys[] = {
	{ .name = "mode",
	  .read = reader_choice,
	  .words = modes,
	  FIELD(mode),
	  .example = "\"off\"" },
	{ .name = "directory",
	  .read = reader_text,
	  .item = item_file,
	  FIELD(directory),
	  .example = "\"" DIRECTORY_USUAL "\"" },
	{ .name = "key",
	  .read = reader_files,
	  .item = item_file,
	  FIELD(key),
	  .example = "\"tls/spool.key\"" },
	{ .name = "public_key",
	  .read = reader_text,
	  .item = item_file,
	  FIELD(public_key),
	  .example = "\"tls/spool.key.pub\"" },
	BYTES_KEY(max_bytes, 1048576, NULL, "107374182400L"),
	BYTES_KEY(min_free_bytes, 4096, "none", "10737418240L"),
	{ .name = "accept",
	  .read = read_accept,
	  .item = item_transfer_syntax,
	  FIELD(accept),
	  .example = "\"entry\", or a list of transfer syntaxes, as in "
		     "[ \"1.2.840.10008.1.2.1\" ]" },
	NUMBER_KEY(retry_first_seconds, 1, 3600, "5"),
	NUMBER_KEY(retry_max_seconds, 1, 86400, "600"),
	NUMBER_KEY(give_up_hours, 1, 8784, "72"),
	{ .name = "duplicate_hours",
	  .read = reader_unsigned,
	  FIELD(duplicate_hours),
	  .min = 1,
	  .max = 8784,
	  .zero = "what was delivered is forgotten at once",
	  .example = "24" },
	{ .name = "resend",
	  .read = reader_choice,
	  .words = resends,
	  FIELD(resend),
	  .example = "\"once\"" },
	{ .name = "on_conflict",
	  .read = reader_choice,
	  .words = conflicts,
	  FIELD(on_conflict),
	  .example = "\"forward\"" },
};

void spool_section_usual(struct reader *reader, struct config *config)
{
	config->spool = (struct config_spool){
		.directory.path = arena_copy(reader->arena, DIRECTORY_USUAL),
		.max_bytes = 107374182400,
		.min_free_bytes = 10737418240,
		.retry_first_seconds = 5,
		.retry_max_seconds = 600,
		.give_up_hours = 72,
		.duplicate_hours = 24,
		.place = reader_member_place(reader, reader->root, "spool"),
	};
	config->spool.directory.place = config->spool.place;
}

void spool_section_read(struct reader *reader, const config_setting_t *setting,
			const struct key *key, void *object)
{
	struct config_spool *spool = &((struct config *)object)->spool;

	if (config_setting_is_group(setting))
		reader_group(reader, setting, spool_keys, KEY_COUNT(spool_keys), spool);
	else
		reader_wrong_type(reader, setting, key, "a group");
}

static bool is_wanted(const struct config *config)
{
	bool is_wanted = config->spool.mode != CONFIG_SPOOL_OFF;

	for (size_t i = 0; i < config->modality_count; i++)
		is_wanted |= config->modalities[i].spool != CONFIG_SPOOL_OFF;
	return is_wanted;
}

void spool_section_check(struct reader *reader, struct config *config)
{
	struct config_spool *spool = &config->spool;
	const config_setting_t *group = reader_member(reader->root, "spool");
	struct config_place place =
		group && config_setting_is_group(group)
			? reader_member_place(reader, group, "key")
			: reader_member_place(reader, reader->root, "spool.key");

	if (spool->key.count == 0 && is_wanted(config) &&
	    !(group && reader_member(group, "key")))
		reader_fault(
			reader, &place,
			"objects are to be kept in the spool, and there is no key to "
			"seal them; make one with: cathgate spool keygen, and write "
			"key = \"tls/spool.key\"");
	if (spool->directory.credential)
		reader_fault(reader, &spool->directory.place,
			     "a credential is no folder; write the folder's path");
	if (spool->retry_first_seconds > spool->retry_max_seconds) {
		place = reader_member_place(reader, group, "retry_first_seconds");
		reader_fault(reader, &place,
			     "it is more than spool.retry_max_seconds; write at most %u, "
			     "or raise that one",
			     spool->retry_max_seconds);
	}
	/* A public key beside the private one is found by its name, as keygen makes it.
	 */
	if (!spool->public_key.path && spool->key.count > 0 &&
	    !spool->key.items[0].in_token && !spool->key.items[0].credential) {
		spool->public_key = spool->key.items[0];
		spool->public_key.path =
			arena_format(reader->arena, "%s.pub", spool->key.items[0].path);
	}
}

bool config_has_spool(const struct config *config)
{
	return config->spool.key.count > 0;
}
