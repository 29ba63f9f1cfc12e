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

#define ENTRY_MAX   (1024UL * 1024)
#define DIGESTS_MAX 32

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

/* An entry that was brought back and stays would let in what was revoked. */
static void put_aside(const struct site *site, const char *name)
{
	const char *path = site_entry_path(site, name);
	const char *aside = site_revoked_path(site, name);

	if (durable_rename(path, aside) < 0)
		complain("%s: %s: it could not be put aside again; rename it to %s", path,
			 strerror(errno), aside);
}

/* Brings back the entry that `revoke` has put aside. */
static bool bring_back(struct site *site, const char *name)
{
	if (durable_rename(site_revoked_path(site, name), site_entry_path(site, name)) <
	    0)
		return false;
	if (site_reread(site) == 0)
		return true;
	put_aside(site, name);
	return false;
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

/* The certificate that is to stay. */
struct newest {
	const char *sha256;		      /* kept; NULL: none is known */
	const struct site_certificate *known; /* NULL: there is no copy of it */
	size_t bound;			      /* certificates that the entry takes now */
};

static struct newest newest_of(const struct site *site,
			       const struct config_modality *entry)
{
	const struct config_strings *digests = &entry->certificate.sha256;
	struct newest newest = { .bound = digests->count };

	if (digests->count > 0)
		newest.sha256 = keep_format("%s", digests->items[digests->count - 1]);
	for (size_t i = 0; i < site->known_count; i++) {
		const struct site_certificate *known = &site->known[i];

		if (known->revoked != 0 ||
		    !known_certificate_fits(&entry->certificate, &known->facts))
			continue;
		newest.bound += digests->count == 0;
		if (!newest.sha256)
			newest.sha256 = keep_format("%s", known->facts.sha256);
		if (!newest.known && strcmp(known->facts.sha256, newest.sha256) == 0)
			newest.known = known;
	}
	return newest;
}

/* Ending the old certificate before the modality shows the new one would shut it out. */
static bool may_end_older(const struct site *site, const struct modality_options *asked,
			  const struct newest *newest)
{
	int was_shown =
		asked->now ? 1 : site_was_shown(site, newest->sha256, newest->known);

	if (was_shown == 0)
		complain("%s has not shown its new certificate yet (SHA-256 %.16s…): "
			 "without the old one it would be shut out. Have it send a "
			 "C-ECHO with the new one, or say --now to end the old one all "
			 "the same",
			 asked->name, newest->sha256);
	else if (was_shown < 0)
		complain("so nothing tells whether %s has the new certificate; say --now "
			 "to end the old one all the same",
			 asked->name);
	return was_shown > 0;
}

static int confirm_newest(struct site *site, const struct modality_options *asked)
{
	const struct config_modality *entry = site_entry(site, asked->name);
	struct newest newest = newest_of(site, entry);
	const char *until = "";

	if (!newest.sha256) {
		complain("no certificate of \"%s\" is known that could stay",
			 asked->name);
		return CLI_WRONG;
	}
	if (newest.known)
		until = keep_format(", good until %s",
				    site_date(newest.known->facts.not_after));
	if (newest.bound > 1 && !may_end_older(site, asked, &newest))
		return CLI_WRONG;
	if (entry->certificate.sha256.count > 1
		    ? rebind(site, asked->name, newest.sha256, true) < 0
		    : site_revoke_bound(site, entry, newest.sha256, PKI_SUPERSEDED) < 0)
		return CLI_WRONG;
	printf("%s has one certificate%s.\n", asked->name, until);
	return site_reload(site, asked->reload);
}

static int commit_renewal(struct site *site, struct handout *handout)
{
	const struct modality_options *asked = handout->asked;
	const struct config_modality *entry = site_entry(site, asked->name);
	struct site_made made = modality_made(asked);
	struct pki_facts facts;

	if (pki_certificate_facts(handout->certificate, &facts) < 0 ||
	    site_keep(site, handout->certificate, &made) < 0)
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

/* *ret_is_done: the new certificate counts, whatever becomes of the reload. */
static int renew_certificate(struct site *site, const struct modality_options *asked,
			     bool *ret_is_done)
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
	*ret_is_done = status == CLI_GOOD;
	if (status == CLI_GOOD) {
		printf("%s has a new certificate. ", asked->name);
		handout_print(&handout);
		if (!asked->now)
			printf("The old one stays allowed. When the new one works: "
			       "cathgate modality renew %s --confirm\n",
			       asked->name);
		status = site_reload(site, asked->reload);
	}
	handout_close(&handout);
	return status;
}

static int renew(struct site *site, struct modality_options *asked)
{
	bool was_revoked = !site_entry(site, asked->name) && !asked->confirm &&
			   bring_back(site, asked->name);
	const struct config_modality *entry = site_entry(site, asked->name);
	bool is_done = false;
	int status = CLI_WRONG;

	/* The certificates that were revoked don't come back with the entry. */
	asked->now |= was_revoked;
	if (entry && site_is_by_name(&entry->certificate))
		status = refuse_named(site, asked, was_revoked);
	else if (!entry)
		complain("there is no modality \"%s\"; cathgate modality list names them",
			 asked->name);
	else if (asked->confirm)
		status = confirm_newest(site, asked);
	else if (remember_options(site, asked) == 0 &&
		 (was_revoked || must_be_another(site, asked) == 0))
		status = renew_certificate(site, asked, &is_done);
	if (was_revoked && !is_done)
		put_aside(site, asked->name);
	return status;
}

int modality_renew_main(int argc, char **argv)
{
	struct modality_options asked;
	struct site site;
	int status = modality_options_read(&options, argc, argv, &asked);
	sigset_t before;

	if (status < 0)
		status = modality_options_judge(&options, &asked);
	if (status >= 0)
		return status;
	if (site_open(&site, asked.config, true) < 0)
		return CLI_USAGE;
	/* What was revoked must not stay half brought back. */
	staging_hold_signals(&before);
	status = renew(&site, &asked);
	site_close(&site);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return status;
}
