#include "admissions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/kit/complain.h"
#include "cli/kit/gateway_config.h"
#include "cli/kit/keep.h"
#include "cli/kit/known_certificate.h"

#define CALLED_USUAL "CATHGATE"
#define ENTRIES	     ".entries" /* in the hidden folder; no modality has that name */

/* Options that were not given follow from the site. */
static int complete_options(struct modality_options *asked, const struct site *site)
{
	const struct config *config = site->config;
	const char *own = config->destination_count > 0
				  ? config->destinations[0].calling_ae_title.text
				  : "";

	/* Copies, since the configuration is read anew. */
	own = keep_format("%s", own[0] ? own : CALLED_USUAL);
	if (asked->called_ae_titles.count == 0) {
		asked->called_ae_titles.items = keep_bytes(sizeof(own));
		asked->called_ae_titles.items[0] = own;
		asked->called_ae_titles.count = 1;
	}
	if (!asked->destination && config->destination_count == 1)
		asked->destination = keep_format("%s", config->destinations[0].name);
	if (!asked->destination) {
		complain("there are several destinations; name one with --destination");
		return -1;
	}
	return 0;
}

static int must_be_new(const struct site *site, const char *name)
{
	if (!site_entry(site, name) && access(site_entry_path(site, name), F_OK) < 0 &&
	    access(site_revoked_path(site, name), F_OK) < 0)
		return 0;
	complain("there is a modality \"%s\" already: give it a new certificate with "
		 "cathgate modality renew, or take it out with cathgate modality remove",
		 name);
	return -1;
}

static const char *named_line(const char *key, const struct options_texts *names)
{
	return names->count == 0 ? ""
				 : keep_format("  %s", modality_list_line(key, names));
}

static const char *entry_binding(const struct handout *handout)
{
	const struct modality_options *asked = handout->asked;
	struct pki_facts facts;

	if (modality_is_named(asked))
		return keep_format(
			"  // Any certificate counts that has this name and is "
			"of a CA in `ca`\n  // of the listener.\n%s%s%s",
			named_line("common_name", &asked->common_names),
			named_line("dns", &asked->dns), named_line("uri", &asked->uris));
	if (!asked->certificate)
		return keep_format("  // The gateway's own CA put this name into its "
				   "certificate, and into renewed ones.\n"
				   "  uri = [ \"%s\" ];\n",
				   handout->uri);
	if (pki_certificate_facts(handout->certificate, &facts) < 0)
		return "";
	return keep_format("  sha256 = [ \"%s\" ];\n", facts.sha256);
}

/* A certificate that is given beside names must have them. */
static bool has_names(const struct site *site, const struct handout *handout)
{
	const struct modality_options *asked = handout->asked;
	struct site_certificate shown = { 0 };

	if (!modality_is_named(asked) || !handout->certificate)
		return true;
	if (pki_certificate_facts(handout->certificate, &shown.facts) == 0 &&
	    known_certificate_fits(&site_entry(site, asked->name)->certificate,
				   &shown.facts))
		return true;
	complain("%s doesn't have the names that were given, so its owner would be "
		 "refused: its subject is %s",
		 asked->certificate, shown.facts.subject);
	return false;
}

static struct staging *staging_of(struct admissions *list)
{
	return list->is_shelf ? &list->staging : &list->items[0].handout.staging;
}

/* Its certificate, hand-out and entry. */
static int make_one(struct admissions *list, struct admission *one,
		    const struct site *site)
{
	struct handout *handout = &one->handout;

	if (must_be_new(site, one->asked.name) < 0 ||
	    complete_options(&one->asked, site) < 0)
		return -1;
	if (pki_uuid_make(one->uri) < 0)
		return complain_openssl();
	handout->asked = &one->asked;
	handout->uri = one->uri;
	handout->folder = list->folder;
	if (list->is_shelf) {
		handout->shelf = &list->staging;
		handout->folder = keep_format("%s/%s", list->folder, one->asked.name);
	}
	if (handout_make(handout, site) < 0)
		return -1;
	one->entry = modality_entry_text(&one->asked, entry_binding(handout));
	return 0;
}

/* By the descriptor: other users may be able to write beside the hidden folder. */
static const char *staged_folder(const struct staging *staging)
{
	return keep_format("/proc/self/fd/%d/" ENTRIES, staging->folder);
}

struct proposal {
	const struct admissions *list;
	const struct site *site;
	const char *folder; /* of the entries */
};

static const struct admission *find_one(const struct admissions *list, const char *name,
					size_t length)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].entry &&
		    strncmp(list->items[i].asked.name, name, length) == 0 &&
		    list->items[i].asked.name[length] == '\0')
			return &list->items[i];
	return NULL;
}

/* A fault's place in an entry that isn't in force: who asked for it knows another one. */
static const char *tell_place(const void *context, const char *text)
{
	const struct proposal *proposal = context;
	const char *found, *at = text;

	while ((found = strstr(at, proposal->folder))) {
		const char *name = found + strlen(proposal->folder) + 1;
		const char *behind = strstr(name, ".conf");
		const struct admission *one =
			behind ? find_one(proposal->list, name, (size_t)(behind - name))
			       : NULL;
		const char *before;

		if (!one)
			break;
		behind += strlen(".conf");
		if (one->where && behind[0] == ':')
			behind += 1 + strspn(behind + 1, "0123456789");
		before = keep_format(
			"%.*s%s", (int)(found - text), text,
			one->where ? one->where
				   : site_entry_path(proposal->site, one->asked.name));
		text = keep_format("%s%s", before, behind);
		at = text + strlen(before);
	}
	return text;
}

static int stage_entries(struct admissions *list, const struct staging *staging)
{
	struct durable_owner closed = daemon_user_none(0700);
	struct durable_owner own = daemon_user_none(0600);
	int folder = durable_folder_at(staging->folder, ENTRIES, &closed), result = 0;

	if (folder < 0)
		return complain_file(staging->path);
	close(folder);
	for (size_t i = 0; i < list->count && result == 0; i++) {
		const struct admission *one = &list->items[i];

		if (one->entry)
			result = staging_write(
				staging, keep_format(ENTRIES "/%s.conf", one->asked.name),
				one->entry, strlen(one->entry), &own);
	}
	return result;
}

/* The hidden folder becomes the hand-out, which has no entries. */
static int unstage_entries(const struct admissions *list, const struct staging *staging)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].entry &&
		    unlinkat(staging->folder,
			     keep_format(ENTRIES "/%s.conf", list->items[i].asked.name),
			     0) < 0)
			return complain_file(staging->path);
	return unlinkat(staging->folder, ENTRIES, AT_REMOVEDIR) < 0
		       ? complain_file(staging->path)
		       : 0;
}

/* Reads the configuration as it would be with the entries. */
static int propose(struct admissions *list, struct site *site)
{
	const struct staging *staging = staging_of(list);
	struct proposal proposal = { list, site, staged_folder(staging) };
	struct config *config;

	if (stage_entries(list, staging) < 0)
		return -1;
	config = gateway_config_load_with(site->config_path, proposal.folder, tell_place,
					  &proposal);
	if (!config)
		return -1;
	site_adopt(site, config);
	return unstage_entries(list, staging);
}

static bool has_any(const struct admissions *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].entry)
			return true;
	return false;
}

int admissions_prepare(struct admissions *list, struct site *site)
{
	int result = 0;

	if (list->is_shelf && handout_open(&list->staging, list->folder) < 0)
		return -1;
	list->is_open = list->is_shelf;
	for (size_t i = 0; i < list->count; i++) {
		if (staging_interrupted()) {
			complain_about(NULL);
			complain("interrupted: nothing was written");
			return -1;
		}
		complain_about(list->items[i].where);
		if (!list->items[i].is_bad && make_one(list, &list->items[i], site) < 0)
			result = -1;
	}
	complain_about(NULL);
	if (!has_any(list) || propose(list, site) < 0)
		return -1;
	for (size_t i = 0; i < list->count; i++) {
		struct admission *one = &list->items[i];

		complain_about(one->where);
		if (one->entry &&
		    (!has_names(site, &one->handout) ||
		     handout_describe(&one->handout, site,
				      site_entry(site, one->asked.name)) < 0))
			result = -1;
	}
	complain_about(NULL);
	return result;
}

static int keep_certificates(const struct admissions *list, struct site *site)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct admission *one = &list->items[i];
		struct site_made made = modality_made(&one->asked);

		if (one->handout.certificate &&
		    site_keep(site, one->handout.certificate, &made) < 0)
			return -1;
	}
	return 0;
}

static int write_passwords(const struct admissions *list)
{
	struct durable_owner own = daemon_user_none(0600);
	struct durable_draft draft;
	bool is_good = true;

	if (durable_begin(list->passwords, DURABLE_CREATE, &draft) < 0)
		return complain_file(list->passwords);
	for (size_t i = 0; i < list->count && is_good; i++) {
		const struct admission *one = &list->items[i];

		if (one->handout.password[0] != '\0')
			is_good = dprintf(draft.fd, "%s %s\n", one->asked.name,
					  one->handout.password) > 0;
	}
	if (is_good)
		return durable_finish(&draft, &own) < 0 ? complain_file(list->passwords)
							: 0;
	complain_file(list->passwords);
	durable_abandon(&draft);
	return -1;
}

static void take_back(const char *path)
{
	if (durable_remove(path) < 0 && errno != ENOENT)
		complain("%s: %s: it could not be taken away again; remove it", path,
			 strerror(errno));
}

int admissions_commit(struct admissions *list, struct site *site)
{
	size_t written = 0;
	int result = keep_certificates(list, site);

	while (result == 0 && written < list->count) {
		const struct admission *one = &list->items[written];

		result = modality_entry_create(site, one->asked.name, one->entry);
		written += result == 0;
	}
	if (result == 0)
		result = site_reread(site);
	if (result == 0 && list->passwords)
		result = write_passwords(list);
	if (result == 0) {
		if (staging_commit(staging_of(list), NULL) == 0)
			return 0;
		if (list->passwords)
			take_back(list->passwords);
	}
	while (written > 0)
		take_back(site_entry_path(site, list->items[--written].asked.name));
	for (size_t i = 0; i < list->count; i++)
		site_forget(site, list->items[i].handout.certificate);
	complain("so nothing was changed");
	return -1;
}

void admissions_close(struct admissions *list)
{
	for (size_t i = 0; i < list->count; i++)
		handout_close(&list->items[i].handout);
	if (list->is_open)
		staging_close(&list->staging);
}
