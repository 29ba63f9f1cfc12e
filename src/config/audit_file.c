#include "cathgate/config/config.h"

#include <errno.h>
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "items.h"
#include "reader.h"

/* All texts of the audit section but one are paths of files. */
static bool is_path(const char *key)
{
	return strncmp(key, "audit.", 6) == 0 && strcmp(key, "audit.patient_id") != 0;
}

/* The text of a key. */
static const char *read_audit_text(struct reader *reader, const config_t *tree,
				   const char *key, const char *cure)
{
	const char *text;
	struct config_file file = { .path = NULL };
	struct config_place place = { .file = reader->path, .key = key };
	const config_setting_t *setting = config_lookup(tree, key);
	if (!setting || !(text = config_setting_get_string(setting)))
		reader_fault(reader, &place, "it is missing; %s", cure);
	else if (!is_path(key))
		return arena_copy(reader->arena, text);
	else if (item_file(reader, &place, text, &file))
		return file.path;
	return NULL;
}

MUST_USE static int read_configuration(const char *path, const char *key,
				       const char *cure, char **ret,
				       struct config_faults *faults)
{
	struct arena arena = { .newest = NULL };
	struct config_place place = { .file = path };
	struct reader reader = { .arena = &arena, .faults = faults, .path = path };
	const char *found = NULL;
	char room[READER_CURE_SIZE];
	config_t tree;

	if (reader_find_folder(&reader) < 0) {
		arena_clear(&arena);
		return -1;
	}
	config_init(&tree);
	config_set_include_dir(&tree, reader.folder);
	if (access(path, R_OK) < 0) {
		config_fault_add(faults, CONFIG_ERROR, &place, "it can't be read: %s; %s",
				 strerror(errno),
				 reader_unreadable_cure(path, errno, room, sizeof(room)));
	} else if (config_read_file(&tree, path) != CONFIG_TRUE) {
		place.line = config_error_line(&tree);
		config_fault_add(faults, CONFIG_ERROR, &place,
				 "it can't be read: %s; mend it, or give another with "
				 "--config",
				 config_error_type(&tree) == CONFIG_ERR_FILE_IO
					 ? strerror(errno)
					 : config_error_text(&tree));
	} else {
		found = read_audit_text(&reader, &tree, key, cure);
	}
	char *copy = found ? strdup(found) : NULL;
	if (copy)
		*ret = copy;
	config_destroy(&tree);
	arena_clear(&arena);
	return copy ? 0 : -1;
}

int config_audit_file(const char *path, char **ret, struct config_faults *faults)
{
	return read_configuration(path, "audit.file",
				  "write the log's path, as in "
				  "\"/var/log/cathgate/audit.jsonl\"",
				  ret, faults);
}

int config_audit_pseudonym_key(const char *path, char **ret, struct config_faults *faults)
{
	return read_configuration(path, "audit.pseudonym_key",
				  "this gateway writes no pseudonyms: its log leaves "
				  "patients out, or has their IDs in clear",
				  ret, faults);
}

int config_audit_patient_id(const char *path, char **ret, struct config_faults *faults)
{
	return read_configuration(path, "audit.patient_id",
				  "the usual one holds: pseudonyms", ret, faults);
}

int config_audit_signing_key(const char *path, char **ret, struct config_faults *faults)
{
	return read_configuration(path, "audit.signing_key",
				  "this gateway signs no checkpoints: nothing but a "
				  "checksum vouches for its log",
				  ret, faults);
}

int config_audit_messages(const char *path, char **ret, struct config_faults *faults)
{
	return read_configuration(path, "audit.messages", "no audit messages are written",
				  ret, faults);
}

int config_control_socket(const char *path, char **ret, struct config_faults *faults)
{
	return read_configuration(path, "control.socket", "the usual one serves", ret,
				  faults);
}

int config_gateway_name(const char *path, char **ret, struct config_faults *faults)
{
	return read_configuration(path, "gateway.name", "the host's name serves", ret,
				  faults);
}
