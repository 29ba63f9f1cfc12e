/*
 * Who was let in, and with which certificate: so a later refusal is known for theirs,
 * although the entry is bound to another certificate by now, or to names of which no copy
 * tells.
 */
#include "diagnose.h"

#include <stdio.h>
#include <string.h>

#include "cathgate/audit/members.h"
#include "cli/kit/moment.h"

#define KEY_SIZE 512

/* No name holds a line feed. */
static void certificate_key(const char *sha256, const char *modality, char ret[KEY_SIZE])
{
	snprintf(ret, KEY_SIZE, "%s\n%s", sha256, modality);
}

void diagnose_note_let_in(json_t *let_in, const json_t *line)
{
	const char *sha256 = members_text(line, "certificate");
	char key[KEY_SIZE];

	if (strcmp(members_text(line, "event"), "association") != 0 ||
	    strcmp(members_text(line, "outcome"), "accepted") != 0 || !sha256[0])
		return;
	certificate_key(sha256, members_text(line, "modality"), key);
	json_object_set_new(let_in, key, json_integer(moment_of_line(line)));
}

static const json_t *find_let_in(const json_t *let_in,
				 const struct config_modality *entry, const char *sha256)
{
	char key[KEY_SIZE];

	certificate_key(sha256, entry->name, key);
	return sha256[0] ? json_object_get(let_in, key) : NULL;
}

bool diagnose_was_let_in(const json_t *let_in, const struct config_modality *entry,
			 const char *sha256)
{
	return find_let_in(let_in, entry, sha256) != NULL;
}

/* The entry that was let in last with a certificate. */
static const struct config_modality *entry_let_in(const struct config *config,
						  const json_t *let_in,
						  const char *sha256)
{
	const struct config_modality *found = NULL;
	json_int_t last = 0;

	for (size_t i = 0; i < config->modality_count; i++) {
		const json_t *when = find_let_in(let_in, &config->modalities[i], sha256);

		if (!when || (found && json_integer_value(when) <= last))
			continue;
		found = &config->modalities[i];
		last = json_integer_value(when);
	}
	return found;
}

const struct config_modality *diagnose_entry_shown(const struct config *config,
						   const json_t *let_in,
						   const json_t *line)
{
	const char *sha256 = diagnose_certificate(line);

	for (size_t i = 0; sha256[0] && i < config->modality_count; i++)
		if (diagnose_fit(config, &config->modalities[i], sha256) == DIAGNOSE_FITS)
			return &config->modalities[i];
	return entry_let_in(config, let_in, sha256);
}

const struct config_modality *diagnose_entry_of(const struct config *config,
						const json_t *let_in, const json_t *line)
{
	const char *name = members_text(line, "modality");
	const char *calling = members_text(line, "calling_ae");

	if (!config)
		return NULL;
	for (size_t i = 0; name[0] && i < config->modality_count; i++)
		if (strcmp(config->modalities[i].name, name) == 0)
			return &config->modalities[i];
	for (size_t i = 0; i < config->modality_count; i++)
		if (diagnose_has_title(&config->modalities[i].ae_titles, calling))
			return &config->modalities[i];
	return diagnose_entry_shown(config, let_in, line);
}
