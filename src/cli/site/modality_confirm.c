/* `cathgate modality renew --confirm`: the older certificates end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/known_certificate.h"
#include "modality.h"

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
	enum reason reason;

	if (digests->count > 0)
		newest.sha256 = keep_format("%s", digests->items[digests->count - 1]);
	for (size_t i = 0; i < site->known_count; i++) {
		const struct site_certificate *known = &site->known[i];

		if (!known_certificate_fits(&entry->certificate, &known->facts) ||
		    !site_takes(site, entry, known, &reason))
			continue;
		newest.bound += digests->count == 0;
		if (!newest.sha256)
			newest.sha256 = keep_format("%s", known->facts.sha256);
		if (!newest.known && strcmp(known->facts.sha256, newest.sha256) == 0)
			newest.known = known;
	}
	return newest;
}

bool modality_tell_of_others(const struct site *site, const char *name,
			     const char *newest)
{
	const struct config_modality *entry = site_entry(site, name);
	enum reason reason;
	bool is_any = false;

	for (size_t i = 0; i < site->known_count; i++) {
		const struct site_certificate *known = &site->known[i];

		if (known->is_ours || known->facts.not_after < time(NULL) ||
		    strcmp(known->facts.sha256, newest) == 0 ||
		    !known_certificate_fits(&entry->certificate, &known->facts) ||
		    !site_takes(site, entry, known, &reason))
			continue;
		is_any = true;
		complain("the older certificate of %s, serial %s, is of another CA (%s), "
			 "which alone can revoke it: else it stays allowed until %s, or "
			 "until that CA is in `ca` of no listener any more",
			 name, known->facts.serial, known->facts.issuer,
			 site_date(known->facts.not_after));
	}
	return is_any;
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

int modality_confirm(struct site *site, const struct modality_options *asked)
{
	const struct config_modality *entry = site_entry(site, asked->name);
	struct newest newest = newest_of(site, entry);
	const char *until = "";
	struct options_texts alone;
	char *before = NULL;
	int result;

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
	alone = modality_entry_digests(entry, newest.sha256, true);
	result = entry->certificate.sha256.count > 1
			 ? modality_entry_bind(site, asked->name, &alone, &before)
			 : site_revoke_bound(site, entry, newest.sha256, PKI_SUPERSEDED);
	free(before);
	if (result < 0)
		return CLI_WRONG;
	if (!modality_tell_of_others(site, asked->name, newest.sha256))
		printf("%s has one certificate%s.\n", asked->name, until);
	return site_reload(site, asked->reload);
}
