/* How a modality, or one of its certificates, is shut out. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/known_certificate.h"
#include "modality.h"

static const struct options_row rows[] = {
	MODALITY_ROW("reload", NULL, OPTIONS_FLAG, reload),
	MODALITY_ROW("config", "FILE", OPTIONS_TEXT, config),
	{ 0 },
};

static const struct options revoke_options = {
	.command = "cathgate modality revoke",
	.before = "NAME",
	.about = "Shuts a modality out whose key may be known to others: its "
		 "certificates are revoked and\nits entry is put aside. cathgate "
		 "modality renew lets it in again, with a new one.\n",
	.rows = rows,
	.least = 1,
	.most = 1,
	.hint = "Name one modality",
};

static const struct options remove_options = {
	.command = "cathgate modality remove",
	.before = "NAME",
	.about = "Takes a modality out for good: its entry goes and its certificates are "
		 "revoked.\n",
	.rows = rows,
	.least = 1,
	.most = 1,
	.hint = "Name one modality",
};

static const struct options_row crl_rows[] = {
	MODALITY_ROW("days", "DAYS", OPTIONS_DAYS, days),
	MODALITY_ROW("reload", NULL, OPTIONS_FLAG, reload),
	MODALITY_ROW("config", "FILE", OPTIONS_TEXT, config),
	{ 0 },
};

static const struct options crl_options = {
	.command = "cathgate modality crl",
	.about = "Signs the list of revoked certificates anew; it is then good for so "
		 "many days (as long as\nthe CA).\n",
	.rows = crl_rows,
};

/* A renewal that was cut off leaves the revoked entry beside the new one. */
static int put_away(const struct site *site, const char *name, bool is_gone)
{
	const char *path = site_entry_path(site, name);
	const char *aside = site_revoked_path(site, name);

	if (durable_remove(aside) < 0 && errno != ENOENT)
		return complain_file(aside);
	return (is_gone ? durable_remove(path) : durable_rename(path, aside)) < 0
		       ? complain_file(path)
		       : 0;
}

/* Kept: the entry is gone when it is said. */
static const char *say_way_back(const struct config_modality *entry)
{
	if (known_certificate_is_by_name(&entry->certificate))
		return "have the CA that made its certificate revoke that, too; then "
		       "cathgate modality renew says how it comes back.";
	if (entry->certificate.uri.count == 0)
		return keep_format("with a new certificate of its own it is let in "
				   "again by cathgate modality renew %s --certificate "
				   "FILE.",
				   entry->name);
	return keep_format("cathgate modality renew %s lets it in again.", entry->name);
}

static int end_entry(const struct options *options, int argc, char **argv,
		     enum pki_reason reason)
{
	struct modality_options asked;
	struct site site;
	const struct config_modality *entry;
	int status = modality_options_read(options, argc, argv, &asked), result = -1;
	bool is_gone = reason == PKI_CESSATION, is_foreign;
	const char *way_back;

	if (status >= 0)
		return status;
	if (site_open(&site, asked.config, true) < 0)
		return CLI_USAGE;
	status = CLI_WRONG;
	entry = site_entry(&site, asked.name);
	way_back = entry ? say_way_back(entry) : "";
	is_foreign = entry && known_certificate_is_by_name(&entry->certificate);
	if (!entry && is_gone &&
	    access(site_revoked_path(&site, asked.name), F_OK) == 0) {
		const char *aside = site_revoked_path(&site, asked.name);

		result = durable_remove(aside) < 0 ? complain_file(aside) : 0;
	} else if (!entry) {
		complain("there is no modality \"%s\"; cathgate modality list names them",
			 asked.name);
	} else if ((is_gone || site_note_revoked(&site, entry) == 0) &&
		   site_revoke_bound(&site, entry, NULL, reason) == 0 &&
		   modality_entry_must_be_own(&site, asked.name) == 0) {
		result = put_away(&site, asked.name, is_gone);
	}
	if (result == 0) {
		printf(is_gone ? "%s is out.\n" : "%s is shut out; %s\n", asked.name,
		       way_back);
		if (is_foreign && is_gone)
			printf("Have the CA that made its certificate revoke that, "
			       "too.\n");
		status = site_reload(&site, asked.reload);
	}
	site_close(&site);
	return status;
}

int modality_revoke_main(int argc, char **argv)
{
	return end_entry(&revoke_options, argc, argv, PKI_KEY_COMPROMISE);
}

int modality_remove_main(int argc, char **argv)
{
	return end_entry(&remove_options, argc, argv, PKI_CESSATION);
}

int modality_crl_main(int argc, char **argv)
{
	struct modality_options asked;
	struct site site;
	int status = modality_options_read(&crl_options, argc, argv, &asked);

	if (status >= 0)
		return status;
	if (site_open(&site, asked.config, true) < 0)
		return CLI_USAGE;
	status = CLI_WRONG;
	if (!site.ca) {
		complain("this gateway has no CA of its own: fetch the CRL of the one "
			 "that it has");
	} else if (site_revoke(&site, NULL, 0, PKI_SUPERSEDED, asked.days) == 0) {
		printf("The CRL is good until %s.\n", site_date(pki_crl_until(site.crl)));
		status = site_reads_crl(&site) ? site_reload(&site, asked.reload)
					       : CLI_WRONG;
	}
	site_close(&site);
	return status;
}
