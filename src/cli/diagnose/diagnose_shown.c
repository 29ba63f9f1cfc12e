/*
 * Whose certificate it is that a line of the log names: one that was proved, or one that
 * was only shown. An entry that is bound by names is found through the copies that
 * `cathgate modality` keeps.
 */
#include "diagnose.h"

#include <string.h>

#include "cathgate/audit/members.h"
#include "cli/kit/gateway_config.h"
#include "cli/kit/keep.h"
#include "cli/kit/known_certificate.h"

/* The copy of a certificate, or NULL. The last answer is kept, since refusals repeat. */
static const struct pki_facts *known_facts(const struct config *config,
					   const char *sha256)
{
	static char asked[DIGEST_HEX_SIZE];
	static struct pki_facts facts;
	static bool is_known;

	if (strlen(sha256) >= sizeof(asked))
		return NULL;
	if (strcmp(asked, sha256) != 0) {
		strcpy(asked, sha256);
		is_known = known_certificate_facts(config->path, sha256, &facts) == 0;
	}
	return is_known ? &facts : NULL;
}

enum diagnose_fit diagnose_fit(const struct config *config,
			       const struct config_modality *entry, const char *sha256)
{
	const struct config_certificate *bound = &entry->certificate;
	const struct pki_facts *facts;

	if (bound->none || !sha256[0])
		return bound->none == !sha256[0] ? DIAGNOSE_FITS : DIAGNOSE_FAILS;
	if (bound->sha256.count > 0 && !gateway_config_has_text(&bound->sha256, sha256))
		return DIAGNOSE_FAILS;
	if (bound->public_key_sha256.count + bound->uri.count + bound->dns.count +
		    bound->common_name.count ==
	    0)
		return DIAGNOSE_FITS;
	facts = known_facts(config, sha256);
	if (!facts)
		return DIAGNOSE_UNPROVED;
	return known_certificate_fits(bound, facts) ? DIAGNOSE_FITS : DIAGNOSE_FAILS;
}

const char *diagnose_certificate(const json_t *line)
{
	const char *proved = members_text(line, "certificate");

	return proved[0] ? proved : members_text(line, "shown_certificate");
}

const char *diagnose_certificate_text(const json_t *line)
{
	const char *proved = members_text(line, "certificate");
	const char *shown = members_text(line, "shown_certificate");

	if (proved[0])
		return keep_format("sha256 %s (%s)", proved,
				   members_text(line, "subject"));
	if (shown[0])
		return keep_format("sha256 %s (%s), refused: nothing of it is proved",
				   shown, members_text(line, "shown_subject"));
	return "";
}

time_t diagnose_known_end(const struct config *config, const char *sha256)
{
	const struct pki_facts *facts = known_facts(config, sha256);

	return facts ? facts->not_after : 0;
}
