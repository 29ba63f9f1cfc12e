#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/known_certificate.h"
#include "cli/kit/shown.h"
#include "cli/kit/table.h"
#include "cli/kit/when.h"
#include "modality.h"
#include "modality_seen.h"

#define DAY_SECONDS 86400L
#define SOON_DAYS   30

static const struct options_row rows[] = {
	MODALITY_ROW("json", NULL, OPTIONS_FLAG, json),
	MODALITY_ROW("config", "FILE", OPTIONS_TEXT, config),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate modality list",
	.about = "Who may connect, with which certificate, until when, and who came "
		 "in the last 30 days.\n",
	.rows = rows,
};

/* The newest certificate that the gateway takes, and how many such there are. NULL where
 * none is known, with the reason of one that is refused: also for an entry that is bound
 * to a name, whose CA may have made another one since. */
static const struct site_certificate *current_certificate(
	const struct site *site, const struct config_modality *entry, size_t *ret_count,
	enum reason *ret_reason)
{
	const struct site_certificate *found = NULL;
	enum reason reason;

	*ret_count = 0;
	*ret_reason = REASON_NONE;
	for (size_t i = 0;
	     i < site->known_count && !known_certificate_is_by_name(&entry->certificate);
	     i++) {
		const struct site_certificate *known = &site->known[i];

		if (!known_certificate_fits(&entry->certificate, &known->facts))
			continue;
		if (!site_takes(site, entry, known, &reason)) {
			*ret_reason = reason;
			continue;
		}
		if (!found)
			found = known;
		(*ret_count)++;
	}
	return found;
}

static const char *state_of(const struct config_modality *entry,
			    const struct site_certificate *known, size_t count,
			    enum reason reason)
{
	time_t now = time(NULL);

	if (entry->certificate.none)
		return "no TLS";
	if (!known && reason == REASON_TLS_REVOKED)
		return "certificate revoked";
	if (!known && reason != REASON_NONE)
		return "certificate refused";
	if (!known)
		return known_certificate_is_by_name(&entry->certificate)
			       ? "bound to a name"
			       : "certificate not seen";
	if (known->facts.not_after < now)
		return "expired";
	if (count > 1)
		return "renewed, old still allowed";
	if (known->facts.not_after < now + SOON_DAYS * DAY_SECONDS)
		return "expires soon";
	return "good";
}

static json_t *titles_json(const struct config_ae_titles *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(array, json_string(list->items[i].text));
	return array;
}

static json_t *describe_entry(const struct site *site,
			      const struct config_modality *entry)
{
	size_t count;
	enum reason reason;
	const struct site_certificate *known =
		current_certificate(site, entry, &count, &reason);
	const char *destination = site->config->destinations[entry->destination].name;
	json_t *object = json_pack(
		"{s:o*, s:s, s:o, s:o, s:o*, s:o*}", "name", json_string(entry->name),
		"state", state_of(entry, known, count, reason), "ae_titles",
		titles_json(&entry->ae_titles), "called_ae_titles",
		titles_json(&entry->called_ae_titles), "destination",
		json_string(destination), "file", shown_json(entry->place.file));

	if (known)
		json_object_update_new(
			object,
			json_pack("{s:s, s:o*, s:s}", "certificate", known->facts.sha256,
				  "serial", json_string(known->facts.serial), "expires",
				  site_date(known->facts.not_after)));
	return object;
}

static void add_seen(json_t *object, const struct modality_seen *seen)
{
	if (seen->accepted_text[0] != '\0')
		json_object_set_new(object, "last_seen", shown_json(seen->accepted_text));
	if (seen->refused_text[0] != '\0')
		json_object_set_new(object, "last_refused",
				    json_pack("{s:o, s:o}", "time",
					      shown_json(seen->refused_text), "reason",
					      shown_json(seen->reason)));
}

static int is_revoked(const struct dirent *entry)
{
	static const char ending[] = ".conf.revoked";
	size_t length = strlen(entry->d_name);

	return length > strlen(ending) &&
	       strcmp(entry->d_name + length - strlen(ending), ending) == 0;
}

static void add_revoked(const struct site *site, json_t *list)
{
	struct dirent **entries;
	int count = scandir(keep_format("%s/" CONFIG_MODALITIES_FOLDER, site->folder),
			    &entries, is_revoked, alphasort);

	for (int i = 0; i < count; i++) {
		const char *name =
			keep_copy(entries[i]->d_name,
				  strlen(entries[i]->d_name) - strlen(".conf.revoked"));

		/* Beside the entry in force a renewal that was cut off has left it. */
		if (!site_entry(site, name))
			json_array_append_new(list, json_pack("{s:o*, s:s}", "name",
							      json_string(name), "state",
							      "revoked"));
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

static const char *text_of(const json_t *object, const char *key, const char *separator)
{
	const json_t *value = json_object_get(object, key);
	const char *text = "";

	if (json_is_string(value))
		return json_string_value(value);
	for (size_t i = 0; i < json_array_size(value); i++)
		text = keep_listed(text, separator,
				   json_string_value(json_array_get(value, i)));
	return text[0] != '\0' ? text : "-";
}

static const struct table_column columns[] = {
	{ .head = "NAME" },
	{ .head = "AE TITLE", .gap = 2 },
	{ .head = "DESTINATION", .gap = 2 },
	{ .head = "EXPIRES", .gap = 2 },
	{ .head = "STATE", .gap = 2 },
	{ .head = "LAST SEEN", .gap = 2 },
	{ .head = "LAST REFUSED", .gap = 2 },
};

enum { STATE = 4, LAST_SEEN, LAST_REFUSED, COLUMNS };

/* "3 min ago"; "-" of no time. */
static const char *time_cell(const json_t *moment)
{
	const char *text = json_string_value(moment);
	char when[WHEN_SIZE] = "";

	if (text)
		when_text(text, (int64_t)time(NULL), when);
	return when[0] != '\0' ? keep_format("%s", when) : "-";
}

/* "3 min ago, ae-unknown". */
static const char *refused_cell(const json_t *refused)
{
	const char *when = time_cell(json_object_get(refused, "time"));
	const char *reason = json_string_value(json_object_get(refused, "reason"));

	return refused ? keep_listed(when, ", ", reason ? reason : "") : when;
}

/* A list can be wrapped on a terminal; in a pipe it stays one word. */
static void fill_cells(const json_t *entry, const struct table *table,
		       struct table_cell ret[COLUMNS])
{
	const char *separator = table->terminal > 0 ? ", " : ",";
	static const char *const keys[] = { "name", "ae_titles", "destination", "expires",
					    "state" };
	const char *state = text_of(entry, "state", separator);
	bool is_out = strcmp(state, "expired") == 0 || strcmp(state, "revoked") == 0 ||
		      strcmp(state, "certificate revoked") == 0 ||
		      strcmp(state, "certificate refused") == 0;

	for (size_t i = 0; i <= STATE; i++)
		ret[i] =
			(struct table_cell){ .text = text_of(entry, keys[i], separator) };
	ret[LAST_SEEN] = (struct table_cell){ .text = time_cell(json_object_get(
						      entry, "last_seen")) };
	ret[LAST_REFUSED] = (struct table_cell){ .text = refused_cell(json_object_get(
							 entry, "last_refused")) };
	ret[STATE].colour = is_out			 ? SHOWN_RED
			    : strcmp(state, "good") == 0 ? SHOWN_GREEN
							 : SHOWN_YELLOW;
}

static void print_table(const json_t *list)
{
	struct table_cell cells[COLUMNS];
	struct table table;
	size_t i;
	const json_t *entry;

	table_open(&table, stdout, columns, COLUMNS);
	json_array_foreach(list, i, entry)
	{
		fill_cells(entry, &table, cells);
		table_measure(&table, cells);
	}
	table_head(&table);
	json_array_foreach(list, i, entry)
	{
		fill_cells(entry, &table, cells);
		table_row(&table, cells);
	}
}

int modality_list_main(int argc, char **argv)
{
	struct modality_options asked;
	struct site site;
	int status = modality_options_read(&options, argc, argv, &asked);
	struct modality_seen *seen;
	json_t *list;

	if (status >= 0)
		return status;
	if (site_open(&site, asked.config, false) < 0)
		return CLI_USAGE;
	seen = modality_seen(&site);
	if (!seen)
		complain("so this doesn't say who was seen or refused");
	list = json_array();
	for (size_t i = 0; i < site.config->modality_count; i++) {
		json_t *entry = describe_entry(&site, &site.config->modalities[i]);

		if (seen)
			add_seen(entry, &seen[i]);
		json_array_append_new(list, entry);
	}
	add_revoked(&site, list);
	if (asked.json) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		printf("\n");
	} else {
		print_table(list);
		if (site.crl)
			printf("\nThe CRL is good until %s.\n",
			       site_date(pki_crl_until(site.crl)));
	}
	json_decref(list);
	site_close(&site);
	return CLI_GOOD;
}
