#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/kit/complain.h"
#include "cli/kit/gateway_config.h"
#include "cli/kit/keep.h"
#include "cli/kit/known_certificate.h"
#include "handout.h"
#include "modality.h"
#include "questions.h"

#define ENTRY_MAX (1024UL * 1024)

static const struct options_row rows[] = {
	MODALITY_ROW("confirm", NULL, OPTIONS_FLAG, confirm,
		     .help = "The new one works, as the log must show: end all older "
			     "ones"),
	MODALITY_ROW("now", NULL, OPTIONS_FLAG, now,
		     .help = "End the older ones at once, whatever the log shows"),
	MODALITY_ROW("certificate", "FILE", OPTIONS_TEXT, certificate,
		     .help = "The new one of a modality that has its own",
		     .judge = judge_certificate),
	MODALITY_ROW("request", "FILE", OPTIONS_TEXT, request),
	MODALITY_ROW("ec", NULL, OPTIONS_FLAG, ec),
	MODALITY_ROW("rsa", NULL, OPTIONS_FLAG, rsa),
	MODALITY_ROW("legacy", NULL, OPTIONS_FLAG, legacy,
		     .help = "Another kind of key; it is usually made as the last one"),
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

/* The revoked entry as it comes back: bound to the new certificate alone. No other can
 * have its fresh name, whichever CA made it. */
static int bring_back(struct site *site, const struct handout *handout,
		      const char *newest)
{
	const char *name = handout->asked->name, *aside = site_revoked_path(site, name);
	bool is_issued = !handout->asked->certificate;
	const char *item = is_issued ? handout->uri : newest, *text;
	struct options_texts items = { .items = &item, .count = 1 };
	char *before;
	size_t size;
	int result = -1;

	if (durable_read(aside, ENTRY_MAX, &before, &size) < 0)
		return complain_file(aside);
	text = modality_entry_rebind(before, is_issued ? "uri" : "sha256", &items);
	free(before);
	if (text)
		result = modality_entry_write(site, name, text, NULL);
	else
		complain("%s has no line \"  %s = [ … ];\" of its own: take it out with "
			 "cathgate modality remove, and add it anew",
			 aside, is_issued ? "uri" : "sha256");
	return result;
}

/* Lets the new certificate in where the entry doesn't do so yet. *ret_before is the
 * caller's. */
static int let_in(struct site *site, const struct handout *handout, bool was_revoked,
		  char **ret_before)
{
	const struct modality_options *asked = handout->asked;
	struct options_texts digests;
	struct pki_facts facts;
	int result = 0;

	*ret_before = NULL;
	if (pki_certificate_facts(handout->certificate, &facts) < 0)
		return complain_openssl();
	if (was_revoked) {
		result = bring_back(site, handout, facts.sha256);
	} else if (asked->certificate) {
		digests = modality_entry_digests(site_entry(site, asked->name),
						 facts.sha256, asked->now);
		result = modality_entry_bind(site, asked->name, &digests, ret_before);
	}
	if (result < 0 ||
	    known_certificate_fits(&site_entry(site, asked->name)->certificate, &facts))
		return result;
	complain(
		"the entry of \"%s\" asks for more than its new certificate has: take it "
		"out with cathgate modality remove, and add it anew",
		asked->name);
	if (was_revoked || *ret_before)
		modality_entry_put_back(site, asked->name, *ret_before);
	return -1;
}

/* The entry lets the certificate in just before the folder is handed out; if that fails,
 * it is as it was. */
static int commit_renewal(struct site *site, struct handout *handout, bool was_revoked)
{
	const struct modality_options *asked = handout->asked;
	struct site_made made = modality_made(asked);
	char *before = NULL;
	int result = -1;

	if (site_keep(site, handout->certificate, &made) < 0 ||
	    handout_describe(handout, site, site_entry(site, asked->name)) < 0)
		return -1;
	if (staging_interrupted()) {
		complain("interrupted: nothing was written");
		return -1;
	}
	if (let_in(site, handout, was_revoked, &before) == 0) {
		result = handout_commit(handout);
		if (result < 0 && (was_revoked || before))
			modality_entry_put_back(site, asked->name, before);
	}
	free(before);
	return result;
}

/* What follows a renewal that stands, whatever becomes of this. The exit status. */
static int end_older(struct site *site, const struct handout *handout, bool was_revoked)
{
	const char *name = handout->asked->name, *aside = site_revoked_path(site, name);
	struct pki_facts facts;

	if (was_revoked && durable_remove(aside) < 0)
		complain("%s: %s; it isn't in force any more: remove it", aside,
			 strerror(errno));
	if (was_revoked || !handout->asked->now || handout->asked->certificate)
		return CLI_GOOD;
	if (pki_certificate_facts(handout->certificate, &facts) < 0 ||
	    site_revoke_bound(site, site_entry(site, name), facts.sha256,
			      PKI_SUPERSEDED) < 0) {
		complain(
			"the new certificate counts, and so do the older ones: end those "
			"with cathgate modality renew %s --confirm --now",
			name);
		return CLI_WRONG;
	}
	(void)modality_tell_of_others(site, name, facts.sha256);
	return CLI_GOOD;
}

/* The new certificate is made as the last one was, but for what the options say. */
static int remember_options(const struct site *site, struct modality_options *asked)
{
	const struct config_modality *entry = site_entry(site, asked->name);
	const struct site_made *made = NULL;

	for (size_t i = 0; i < site->known_count && !made; i++)
		if (known_certificate_fits(&entry->certificate, &site->known[i].facts))
			made = &site->known[i].made;
	if (!made || asked->certificate || asked->request || asked->ec || asked->rsa ||
	    asked->legacy)
		return 0;
	if (made->request) {
		complain("%s made its own key, which stays there: give its new request "
			 "with --request, or say --ec, --rsa or --legacy to have a key "
			 "made here",
			 asked->name);
		return -1;
	}
	asked->legacy = made->legacy;
	asked->rsa = made->rsa;
	asked->pem |= made->pem;
	if (made->legacy || made->rsa)
		printf("Made like the last one: %s.\n",
		       made->legacy ? "--legacy" : "--rsa");
	return 0;
}

/* The same certificate once more, or one that has been ended, renews nothing. */
static int must_be_another(const struct site *site, const struct modality_options *asked)
{
	const struct config_strings *bound =
		&site_entry(site, asked->name)->certificate.sha256;
	struct pki_certificate *certificate;
	struct pki_facts facts = { 0 };
	const char *error;
	bool is_same;

	if (!asked->certificate)
		return 0;
	certificate = pki_certificate_read(asked->certificate, &error);
	if (certificate && pki_certificate_facts(certificate, &facts) < 0)
		complain_openssl();
	pki_certificate_free(certificate);
	is_same = gateway_config_has_text(bound, facts.sha256);
	if (is_same)
		complain("%s is the certificate that %s has already; give the new one",
			 asked->certificate, asked->name);
	return is_same ? -1 : 0;
}

/* Nothing that is done here lets the next certificate in, nor keeps the old one out. */
static int refuse_named(const struct site *site, const struct modality_options *asked,
			bool was_revoked)
{
	if (was_revoked)
		complain("\"%s\" is bound to a name, which the lost certificate has as "
			 "well: once its CA's CRL lists that one, rename %s to %s, and "
			 "reload",
			 asked->name, site_revoked_path(site, asked->name),
			 site_entry_path(site, asked->name));
	else
		complain("\"%s\" is bound to a name: the next certificate with that name "
			 "counts as soon as the modality shows it, if its CA is in `ca` "
			 "of the listener. Nothing is to be done here; the CA must "
			 "revoke the old one if others may have it",
			 asked->name);
	return CLI_WRONG;
}

/* Whether --certificate is given where it must be. */
static int fits_entry(const struct config_modality *entry,
		      const struct modality_options *asked)
{
	if (entry->certificate.none) {
		complain("\"%s\" has no certificate: the gateway knows it by its address",
			 asked->name);
		return -1;
	}
	if ((entry->certificate.uri.count == 0) == (asked->certificate != NULL))
		return 0;
	complain(asked->certificate
			 ? "the gateway's CA makes the certificates of \"%s\": leave "
			   "--certificate out"
			 : "\"%s\" has a certificate of its own: give its new one with "
			   "--certificate",
		 asked->name);
	return -1;
}

static int renew_certificate(struct site *site, const struct modality_options *asked,
			     bool was_revoked)
{
	const struct config_modality *entry = site_entry(site, asked->name);
	const char *folder = keep_format("%s-%s", asked->name, site_date(time(NULL)));
	struct handout handout = { .asked = asked,
				   .folder = asked->output ? asked->output : folder };
	char uri[PKI_UUID_SIZE];
	int status = CLI_WRONG;
	bool is_done;

	if (fits_entry(entry, asked) < 0)
		return CLI_WRONG;
	if (was_revoked && pki_uuid_make(uri) < 0) {
		complain_openssl();
		return CLI_WRONG;
	}
	if (!asked->certificate)
		handout.uri =
			was_revoked ? uri
				    : keep_format("%s", entry->certificate.uri.items[0]);
	is_done = handout_make(&handout, site) == 0 &&
		  commit_renewal(site, &handout, was_revoked) == 0;
	if (is_done) {
		printf("%s has a new certificate. ", asked->name);
		handout_print(&handout);
		status = end_older(site, &handout, was_revoked);
		if (!asked->now && !was_revoked)
			printf("The old one stays allowed. When the new one works: "
			       "cathgate modality renew %s --confirm\n",
			       asked->name);
	} else {
		site_forget(site, handout.certificate);
	}
	handout_close(&handout);
	if (is_done && site_reload(site, asked->reload) != CLI_GOOD)
		status = CLI_WRONG;
	return status;
}

static int renew(struct site *site, struct modality_options *asked)
{
	const char *aside = site_revoked_path(site, asked->name);
	bool was_revoked = !site_entry(site, asked->name) && !asked->confirm &&
			   access(aside, F_OK) == 0;
	const struct config_modality *entry;

	/* It is read as if it were in force, but isn't. */
	if (was_revoked && site_reread_with(site, aside) < 0)
		return CLI_WRONG;
	entry = site_entry(site, asked->name);
	if (!entry)
		complain("there is no modality \"%s\"; cathgate modality list names them",
			 asked->name);
	else if (known_certificate_is_by_name(&entry->certificate))
		return refuse_named(site, asked, was_revoked);
	else if (asked->confirm)
		return modality_confirm(site, asked);
	else if (remember_options(site, asked) == 0 &&
		 (was_revoked || must_be_another(site, asked) == 0))
		return renew_certificate(site, asked, was_revoked);
	return CLI_WRONG;
}

int modality_renew_main(int argc, char **argv)
{
	struct modality_options asked;
	struct site site;
	int status = modality_options_read(&options, argc, argv, &asked);

	if (status < 0)
		status = modality_options_judge(&options, &asked);
	if (status >= 0)
		return status;
	if (site_open(&site, asked.config, true) < 0)
		return CLI_USAGE;
	status = renew(&site, &asked);
	site_close(&site);
	return status;
}
