/* How a modality, or one of its certificates, is shut out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "modality.h"

static const struct modality_verb revoke_verb = {
	.name = "revoke",
	.wants_name = true,
	.takes = " reload ",
	.usage =
		"usage: cathgate modality revoke NAME [--reload] [--config FILE]\n"
		"Shuts a modality out whose key may be known to others: its certificates "
		"are revoked and\nits entry is put aside. cathgate modality renew lets "
		"it "
		"in again, with a new one.\n",
};

static const struct modality_verb remove_verb = {
	.name = "remove",
	.wants_name = true,
	.takes = " reload ",
	.usage = "usage: cathgate modality remove NAME [--reload] [--config FILE]\n"
		 "Takes a modality out for good: its entry goes and its certificates are "
		 "revoked.\n",
};

static const struct modality_verb crl_verb = {
	.name = "crl",
	.takes = " days reload ",
	.usage = "usage: cathgate modality crl [--days DAYS] [--reload] [--config FILE]\n"
		 "Signs the list of revoked certificates anew; it is then good for so "
		 "many "
		 "days (as long as\nthe CA).\n",
};

/* All that the entry is bound to and the private CA has issued. Those that another CA has
 * issued can't be revoked here: they are shut out by the entry that goes. */
static int revoke_all(struct site *site, const struct config_modality *entry,
		      enum pki_reason reason)
{
	const struct pki_certificate **list =
		calloc(site->known_count + 1, sizeof(*list));
	size_t count = 0;
	int result = -1;

	for (size_t i = 0; i < site->known_count && list != NULL; i++)
		if (site->known[i].is_ours && site->known[i].revoked == 0 &&
		    site_is_bound(&entry->certificate, &site->known[i]))
			list[count++] = site->known[i].certificate;
	if (list != NULL)
		result = count == 0 ? 0 : site_revoke(site, list, count, reason, 0);
	if (result == 0 && count > 0)
		site_reads_crl(site);
	free(list);
	return result;
}

/* Only what stands in a file of its own can be moved. */
static int must_be_movable(const struct site *site, const char *name)
{
	const struct config_modality *entry = site_entry(site, name);

	if (access(site_entry_path(site, name), F_OK) == 0)
		return 0;
	complain("\"%s\" stands in %s, line %d: take it out there", name,
		 entry->place.file, entry->place.line);
	return -1;
}

static int end_entry(const struct modality_verb *verb, int argc, char **argv,
		     enum pki_reason reason)
{
	struct modality_options options;
	struct site site;
	const struct config_modality *entry;
	int status = modality_options_read(verb, argc, argv, &options), result = -1;
	bool is_gone = reason == PKI_CESSATION;
	const char *path;

	if (status >= 0)
		return status;
	if (site_open(&site, options.config, true) < 0)
		return CLI_USAGE;
	status = CLI_WRONG;
	path = site_entry_path(&site, options.name);
	entry = site_entry(&site, options.name);
	if (entry == NULL && is_gone &&
	    access(site_revoked_path(&site, options.name), F_OK) == 0) {
		result = durable_remove(site_revoked_path(&site, options.name));
	} else if (entry == NULL) {
		complain("there is no modality \"%s\"; cathgate modality list names them",
			 options.name);
	} else if (revoke_all(&site, entry, reason) == 0 &&
		   must_be_movable(&site, options.name) == 0) {
		result = is_gone ? durable_remove(path)
				 : durable_rename(path,
						  site_revoked_path(&site, options.name));
		if (result < 0)
			complain("%s: %s", path, strerror(errno));
	}
	if (result == 0) {
		printf(is_gone ? "%s is out.\n"
			       : "%s is shut out; cathgate modality renew %s lets it in "
				 "again.\n",
		       options.name, options.name);
		status = site_reload(options.reload);
	}
	site_close(&site);
	return status;
}

int modality_revoke_main(int argc, char **argv)
{
	return end_entry(&revoke_verb, argc, argv, PKI_KEY_COMPROMISE);
}

int modality_remove_main(int argc, char **argv)
{
	return end_entry(&remove_verb, argc, argv, PKI_CESSATION);
}

int modality_crl_main(int argc, char **argv)
{
	struct modality_options options;
	struct site site;
	int status = modality_options_read(&crl_verb, argc, argv, &options);

	if (status >= 0)
		return status;
	if (site_open(&site, options.config, true) < 0)
		return CLI_USAGE;
	status = CLI_WRONG;
	if (site.ca == NULL) {
		complain("this gateway has no CA of its own: fetch the CRL of the one "
			 "that it has");
	} else if (site_revoke(&site, NULL, 0, PKI_SUPERSEDED, options.days) == 0) {
		printf("The CRL is good until %s.\n", site_date(pki_crl_until(site.crl)));
		status = site_reads_crl(&site) ? site_reload(options.reload) : CLI_WRONG;
	}
	site_close(&site);
	return status;
}
