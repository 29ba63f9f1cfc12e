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

/* By which an accepted line can be found again. No name holds a line feed. */
static const char by_entry[] = "entry", by_certificate[] = "certificate",
		  by_address[] = "address";

static void make_key(const char *kind, const char *name, char ret[KEY_SIZE])
{
	snprintf(ret, KEY_SIZE, "%s\n%s", kind, name);
}

static void note(json_t *let_in, const char *kind, const char *name, int64_t moment)
{
	char key[KEY_SIZE];

	make_key(kind, name, key);
	if (name[0])
		json_object_set_new(let_in, key, json_integer(moment));
}

void diagnose_note_let_in(json_t *let_in, const json_t *line)
{
	const char *sha256 = members_text(line, "certificate");
	const char *modality = members_text(line, "modality");
	char host[DIAGNOSE_HOST_SIZE];
	int64_t moment;

	if (strcmp(members_text(line, "event"), "association") != 0 ||
	    strcmp(members_text(line, "outcome"), "accepted") != 0)
		return;
	moment = moment_of_line(line);
	diagnose_host_of(members_text(line, "peer"), host);
	note(let_in, by_entry, modality, moment);
	note(let_in, by_certificate, sha256, moment);
	note(let_in, by_address, host, moment);
	if (sha256[0])
		note(let_in, sha256, modality, moment);
}

static int64_t last_let_in(const json_t *let_in, const char *kind, const char *name)
{
	char key[KEY_SIZE];
	const json_t *when;

	make_key(kind, name, key);
	when = name[0] ? json_object_get(let_in, key) : NULL;
	return when ? (int64_t)json_integer_value(when) : MOMENT_NONE;
}

/* Whose line it is by the best that is known of it. Another device may use an AE title,
 * so a certificate counts for more; and behind NAT many have one address. */
static const struct config_modality *best_entry_of(const struct config *config,
						   const json_t *let_in,
						   const json_t *line)
{
	return config && !members_text(line, "modality")[0] &&
			       diagnose_certificate(line)[0]
		       ? diagnose_entry_shown(config, let_in, line)
		       : diagnose_entry_of(config, let_in, line);
}

int64_t diagnose_let_in_since(const struct config *config, const json_t *let_in,
			      const json_t *line)
{
	const struct config_modality *entry = best_entry_of(config, let_in, line);
	const char *modality = entry ? entry->name : members_text(line, "modality");
	const char *sha256 = diagnose_certificate(line);
	int64_t of_entry = last_let_in(let_in, by_entry, modality);
	int64_t of_certificate = last_let_in(let_in, by_certificate, sha256);
	char host[DIAGNOSE_HOST_SIZE];

	if (modality[0] || sha256[0])
		return of_entry > of_certificate ? of_entry : of_certificate;
	diagnose_host_of(members_text(line, "peer"), host);
	return last_let_in(let_in, by_address, host);
}

bool diagnose_was_let_in(const json_t *let_in, const struct config_modality *entry,
			 const char *sha256)
{
	return sha256[0] && last_let_in(let_in, sha256, entry->name) != MOMENT_NONE;
}

/* The entry that was let in last with a certificate. */
static const struct config_modality *entry_let_in(const struct config *config,
						  const json_t *let_in,
						  const char *sha256)
{
	const struct config_modality *found = NULL;
	int64_t last = MOMENT_NONE;

	for (size_t i = 0; sha256[0] && i < config->modality_count; i++) {
		int64_t when = last_let_in(let_in, sha256, config->modalities[i].name);

		if (when <= last)
			continue;
		found = &config->modalities[i];
		last = when;
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
