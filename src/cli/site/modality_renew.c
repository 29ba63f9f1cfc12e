#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/kit/complain.h"
#include "handout.h"
#include "cli/kit/keep.h"
#include "modality.h"

#define DAYS_USUAL 825
#define ENTRY_MAX  (1024UL * 1024)

static const struct modality_verb verb = {
	.name = "renew",
	.wants_name = true,
	.takes = " certificate request password-file output days legacy rsa pem reload "
		 "now "
		 " confirm ",
	.usage =
		"usage: cathgate modality renew NAME [OPTION…]\n"
		"       cathgate modality renew NAME --confirm [--reload]\n"
		"Gives a modality a new certificate. The old one stays allowed until the "
		"modality has the\nnew one: --confirm then ends it.\n\n"
		"  --confirm             The new one works: end all older ones\n"
		"  --now                 End the older ones at once\n"
		"  --certificate FILE    The new one of a modality that has its own\n"
		"  --request FILE, --legacy, --rsa, --pem, --password-file FILE, --days "
		"DAYS,\n  --output FOLDER (./NAME-DATE), --reload, --config FILE\n"
		"                        As for cathgate modality add\n",
};

/* What was put aside by revoke comes back for this; `undo` puts it aside again. */
static bool restore(struct site *site, const char *name, bool undo)
{
	const char *path = site_entry_path(site, name);
	const char *aside = site_revoked_path(site, name);

	if (durable_rename(undo ? path : aside, undo ? aside : path) < 0)
		return false;
	return undo || site_reread(site) == 0;
}

/* Revokes what is ours and older, and unbinds what isn't. */
static int end_older(struct site *site, const struct config_modality *entry,
		     const char *newest)
{
	const struct pki_certificate **list =
		calloc(site->known_count + 1, sizeof(*list));
	size_t count = 0;
	int result = -1;

	for (size_t i = 0; i < site->known_count && list != NULL; i++) {
		const struct site_certificate *known = &site->known[i];

		if (known->is_ours && known->revoked == 0 &&
		    strcmp(known->facts.sha256, newest) != 0 &&
		    site_is_bound(&entry->certificate, known))
			list[count++] = known->certificate;
	}
	if (list != NULL)
		result = count == 0 ? 0
				    : site_revoke(site, list, count, PKI_SUPERSEDED, 0);
	if (result == 0 && count > 0)
		site_reads_crl(site);
	free(list);
	return result;
}

/* Entries bound by SHA-256: the list gets `newest`, alone or behind the old ones. */
static int rebind(struct site *site, const char *name, const char *newest, bool alone)
{
	const struct config_strings *old = &site_entry(site, name)->certificate.sha256;
	struct modality_list digests = { .count = 0 };
	const char *path = site_entry_path(site, name), *text;
	char *before;
	size_t size;
	int result = -1;

	for (size_t i = 0; i < old->count && !alone; i++)
		if (strcmp(old->items[i], newest) != 0 &&
		    digests.count + 1 < MODALITY_LIST_MAX)
			digests.items[digests.count++] =
				keep_copy(old->items[i], strlen(old->items[i]));
	digests.items[digests.count++] = newest;
	if (durable_read(path, ENTRY_MAX, &before, &size) < 0) {
		complain("%s: %s", path, strerror(errno));
		return -1;
	}
	text = modality_entry_rebind(before, &digests);
	if (text == NULL)
		complain(
			"%s has no line \"  sha256 = [ … ];\" of its own: write %s there",
			path, newest);
	else
		result = modality_entry_write(site, name, text, before);
	free(before);
	return result;
}

static int confirm(struct site *site, const struct modality_options *options)
{
	const struct config_modality *entry = site_entry(site, options->name);
	const struct config_strings *digests = &entry->certificate.sha256;
	const struct site_certificate *newest = NULL;

	if (digests->count > 0) {
		const char *last = digests->items[digests->count - 1];

		if (rebind(site, options->name, keep_copy(last, strlen(last)), true) < 0)
			return CLI_WRONG;
		printf("%s has one certificate.\n", options->name);
		return site_reload(options->reload);
	}
	for (size_t i = 0; i < site->known_count && newest == NULL; i++)
		if (site->known[i].revoked == 0 &&
		    site_is_bound(&entry->certificate, &site->known[i]))
			newest = &site->known[i];
	if (newest == NULL) {
		complain("no certificate of \"%s\" is known that could stay",
			 options->name);
		return CLI_WRONG;
	}
	if (end_older(site, entry, newest->facts.sha256) < 0)
		return CLI_WRONG;
	printf("%s has one certificate, good until %s.\n", options->name,
	       site_date(newest->facts.not_after));
	return site_reload(options->reload);
}

static int commit(struct site *site, const struct modality_options *options,
		  struct handout *handout)
{
	const struct config_modality *entry = site_entry(site, options->name);
	struct pki_facts facts;

	if (pki_certificate_facts(handout->certificate, &facts) < 0 ||
	    site_keep(site, handout->certificate) < 0)
		return -1;
	if (handout_describe(handout, site, entry) < 0 ||
	    (handout->own != NULL &&
	     rebind(site, options->name, keep_copy(facts.sha256, 64), options->now) < 0))
		return -1;
	if (handout_commit(handout) < 0)
		return -1;
	if (options->now && handout->own == NULL)
		return end_older(site, site_entry(site, options->name), facts.sha256);
	return 0;
}

static int renew(struct site *site, const struct modality_options *options)
{
	const struct config_modality *entry = site_entry(site, options->name);
	const char *folder = keep_format("%s-%s", options->name, site_date(time(NULL)));
	struct handout handout = {
		.name = options->name,
		.folder = options->output != NULL ? options->output : folder,
		.request = options->request,
		.own = options->certificate,
		.password_file = options->password_file,
		.legacy = options->legacy,
		.rsa = options->rsa,
		.pem = options->pem,
		.days = options->days != 0 ? options->days : DAYS_USUAL,
	};
	int status = CLI_WRONG;

	if ((entry->certificate.uri.count == 0) != (options->certificate != NULL)) {
		complain(
			options->certificate != NULL
				? "the gateway's CA makes the certificates of \"%s\": "
				  "leave --certificate out"
				: "\"%s\" has a certificate of its own: give its new one "
				  "with --certificate",
			options->name);
		return CLI_WRONG;
	}
	if (options->certificate == NULL)
		handout.uri = keep_format("%s", entry->certificate.uri.items[0]);
	if (handout_make(&handout, site, entry) == 0) {
		if (commit(site, options, &handout) == 0)
			status = CLI_GOOD;
		else
			site_forget(site, handout.certificate);
	}
	if (status == CLI_GOOD) {
		printf("%s has a new certificate. ", options->name);
		handout_tell(&handout);
		if (!options->now)
			printf("The old one stays allowed. When the new one works: "
			       "cathgate modality renew %s --confirm\n",
			       options->name);
		status = site_reload(options->reload);
	}
	handout_close(&handout);
	return status;
}

int modality_renew_main(int argc, char **argv)
{
	struct modality_options options;
	struct site site;
	int status = modality_options_read(&verb, argc, argv, &options);
	bool was_revoked = false;

	if (status >= 0)
		return status;
	if (site_open(&site, options.config, true) < 0)
		return CLI_USAGE;
	status = CLI_WRONG;
	if (site_entry(&site, options.name) == NULL && !options.confirm)
		was_revoked = restore(&site, options.name, false);
	if (was_revoked)
		options.now =
			true; /* what was revoked doesn't come back with the entry */
	if (site_entry(&site, options.name) == NULL)
		complain("there is no modality \"%s\"; cathgate modality list names them",
			 options.name);
	else if (options.confirm)
		status = confirm(&site, &options);
	else
		status = renew(&site, &options);
	if (was_revoked && status != CLI_GOOD)
		restore(&site, options.name, true);
	site_close(&site);
	return status;
}
