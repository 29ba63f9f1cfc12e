#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "handout.h"
#include "modality.h"
#include "questions.h"

#define ENTRY_MAX   (1024UL * 1024)
#define DIGESTS_MAX 32

static const struct options_row rows[] = {
	MODALITY_ROW("confirm", NULL, OPTIONS_FLAG, confirm,
		     .help = "The new one works: end all older ones"),
	MODALITY_ROW("now", NULL, OPTIONS_FLAG, now,
		     .help = "End the older ones at once"),
	MODALITY_ROW("certificate", "FILE", OPTIONS_TEXT, certificate,
		     .help = "The new one of a modality that has its own",
		     .judge = judge_certificate),
	MODALITY_ROW("request", "FILE", OPTIONS_TEXT, request),
	MODALITY_ROW("legacy", NULL, OPTIONS_FLAG, legacy),
	MODALITY_ROW("rsa", NULL, OPTIONS_FLAG, rsa),
	MODALITY_ROW("pem", NULL, OPTIONS_FLAG, pem),
	MODALITY_ROW("password-file", "FILE", OPTIONS_TEXT, password_file),
	MODALITY_ROW("trust", "FILE", OPTIONS_TEXTS, trusted, .judge = judge_certificate),
	MODALITY_ROW("days", "DAYS", OPTIONS_DAYS, days),
	MODALITY_ROW("output", "FOLDER", OPTIONS_TEXT, output),
	MODALITY_ROW("reload", NULL, OPTIONS_FLAG, reload),
	MODALITY_ROW("config", "FILE", OPTIONS_TEXT, config,
		     .help = "As for cathgate modality add; FOLDER is ./NAME-DATE"),
	{ 0 },
};

static const struct options options = {
	.command = "cathgate modality renew",
	.before = "NAME",
	.behind = "\n       cathgate modality renew NAME --confirm [--reload]",
	.about = "Gives a modality a new certificate. The old one stays allowed until "
		 "the modality has the\nnew one: --confirm then ends it.\n",
	.rows = rows,
	.least = 1,
	.most = 1,
	.hint = "Name one modality",
};

/* Brings back the entry that `revoke` has put aside; `undo` puts it aside again. */
static bool restore_entry(struct site *site, const char *name, bool undo)
{
	const char *path = site_entry_path(site, name);
	const char *aside = site_revoked_path(site, name);

	if (durable_rename(undo ? path : aside, undo ? aside : path) < 0)
		return false;
	return undo || site_reread(site) == 0;
}

/* For an entry bound by SHA-256: its list gets `newest`, alone or behind the old ones. */
static int rebind(struct site *site, const char *name, const char *newest, bool alone)
{
	const struct config_strings *old = &site_entry(site, name)->certificate.sha256;
	const char *items[DIGESTS_MAX];
	struct options_texts digests = { .items = items };
	const char *path = site_entry_path(site, name), *text;
	char *before;
	size_t size;
	int result = -1;

	for (size_t i = 0; i < old->count && !alone; i++)
		if (strcmp(old->items[i], newest) != 0 && digests.count + 1 < DIGESTS_MAX)
			digests.items[digests.count++] = keep_format("%s", old->items[i]);
	digests.items[digests.count++] = newest;
	if (durable_read(path, ENTRY_MAX, &before, &size) < 0)
		return complain_file(path);
	text = modality_entry_rebind(before, &digests);
	if (!text)
		complain(
			"%s has no line \"  sha256 = [ … ];\" of its own: write %s there",
			path, newest);
	else
		result = modality_entry_write(site, name, text, before);
	free(before);
	return result;
}

static int confirm_newest(struct site *site, const struct modality_options *asked)
{
	const struct config_modality *entry = site_entry(site, asked->name);
	const struct config_strings *digests = &entry->certificate.sha256;
	const struct site_certificate *newest = NULL;

	if (digests->count > 0) {
		const char *last = digests->items[digests->count - 1];

		if (rebind(site, asked->name, keep_copy(last, strlen(last)), true) < 0)
			return CLI_WRONG;
		printf("%s has one certificate.\n", asked->name);
		return site_reload(asked->reload);
	}
	for (size_t i = 0; i < site->known_count && !newest; i++)
		if (site->known[i].revoked == 0 &&
		    site_is_bound(&entry->certificate, &site->known[i]))
			newest = &site->known[i];
	if (!newest) {
		complain("no certificate of \"%s\" is known that could stay",
			 asked->name);
		return CLI_WRONG;
	}
	if (site_revoke_bound(site, entry, newest->facts.sha256, PKI_SUPERSEDED) < 0)
		return CLI_WRONG;
	printf("%s has one certificate, good until %s.\n", asked->name,
	       site_date(newest->facts.not_after));
	return site_reload(asked->reload);
}

static int commit_renewal(struct site *site, struct handout *handout)
{
	const struct modality_options *asked = handout->asked;
	const struct config_modality *entry = site_entry(site, asked->name);
	struct pki_facts facts;

	if (pki_certificate_facts(handout->certificate, &facts) < 0 ||
	    site_keep(site, handout->certificate) < 0)
		return -1;
	if (handout_describe(handout, site, entry) < 0 ||
	    (asked->certificate &&
	     rebind(site, asked->name, keep_copy(facts.sha256, 64), asked->now) < 0))
		return -1;
	if (handout_commit(handout) < 0)
		return -1;
	if (asked->now && !asked->certificate)
		return site_revoke_bound(site, site_entry(site, asked->name),
					 facts.sha256, PKI_SUPERSEDED);
	return 0;
}

static int renew_certificate(struct site *site, const struct modality_options *asked)
{
	const struct config_modality *entry = site_entry(site, asked->name);
	const char *folder = keep_format("%s-%s", asked->name, site_date(time(NULL)));
	struct handout handout = { .asked = asked,
				   .folder = asked->output ? asked->output : folder };
	int status = CLI_WRONG;

	if ((entry->certificate.uri.count == 0) != (asked->certificate != NULL)) {
		complain(
			asked->certificate
				? "the gateway's CA makes the certificates of \"%s\": "
				  "leave --certificate out"
				: "\"%s\" has a certificate of its own: give its new one "
				  "with --certificate",
			asked->name);
		return CLI_WRONG;
	}
	if (!asked->certificate)
		handout.uri = keep_format("%s", entry->certificate.uri.items[0]);
	if (handout_make(&handout, site) == 0) {
		if (commit_renewal(site, &handout) == 0)
			status = CLI_GOOD;
		else
			site_forget(site, handout.certificate);
	}
	if (status == CLI_GOOD) {
		printf("%s has a new certificate. ", asked->name);
		handout_print(&handout);
		if (!asked->now)
			printf("The old one stays allowed. When the new one works: "
			       "cathgate modality renew %s --confirm\n",
			       asked->name);
		status = site_reload(asked->reload);
	}
	handout_close(&handout);
	return status;
}

int modality_renew_main(int argc, char **argv)
{
	struct modality_options asked;
	struct site site;
	int status = modality_options_read(&options, argc, argv, &asked);
	bool was_revoked = false;

	if (status >= 0)
		return status;
	if (site_open(&site, asked.config, true) < 0)
		return CLI_USAGE;
	status = CLI_WRONG;
	if (!site_entry(&site, asked.name) && !asked.confirm)
		was_revoked = restore_entry(&site, asked.name, false);
	/* The certificates that were revoked don't come back with the entry. */
	asked.now |= was_revoked;
	if (!site_entry(&site, asked.name))
		complain("there is no modality \"%s\"; cathgate modality list names them",
			 asked.name);
	else if (asked.confirm)
		status = confirm_newest(&site, &asked);
	else
		status = renew_certificate(&site, &asked);
	if (was_revoked && status != CLI_GOOD)
		restore_entry(&site, asked.name, true);
	site_close(&site);
	return status;
}
