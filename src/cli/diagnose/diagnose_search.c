#include "diagnose_search.h"

#include <string.h>

#include "cathgate/audit/members.h"
#include "cathgate/base/reason.h"

static enum diagnose_known known_by_certificate(const struct diagnose_search *search,
						const json_t *line)
{
	const char *sha256 = diagnose_certificate(line);
	bool is_proved = members_text(line, "certificate")[0];

	if (!sha256[0])
		return DIAGNOSE_KNOWN_NOT;
	if (diagnose_fit(search->config, search->entry, sha256) == DIAGNOSE_FITS)
		return is_proved ? DIAGNOSE_KNOWN_CERTIFICATE : DIAGNOSE_KNOWN_SHOWN;
	if (diagnose_was_let_in(search->let_in, search->entry, sha256) &&
	    !diagnose_entry_shown(search->config, NULL, line))
		return is_proved ? DIAGNOSE_KNOWN_FORMER : DIAGNOSE_KNOWN_FORMER_SHOWN;
	return DIAGNOSE_KNOWN_NOT;
}

/* A line names the modality only where an entry fitted. Else the modality is known by AE
 * title or certificate, or by its address where the entry has some. */
static enum diagnose_known known_by(const struct diagnose_search *search,
				    const json_t *line)
{
	const struct config_modality *entry = search->entry;
	const char *modality = members_text(line, "modality");
	const char *calling = members_text(line, "calling_ae");
	const char *peer = members_text(line, "peer");
	enum diagnose_known by;

	if (modality[0])
		return strcmp(modality, entry->name) == 0 ? DIAGNOSE_KNOWN_ENTRY
							  : DIAGNOSE_KNOWN_NOT;
	if (calling[0] && diagnose_has_title(&entry->ae_titles, calling))
		return DIAGNOSE_KNOWN_AE_TITLE;
	by = known_by_certificate(search, line);
	if (by != DIAGNOSE_KNOWN_NOT)
		return by;
	return entry->address_count > 0 && peer[0] && diagnose_has_peer(entry, peer) &&
			       !diagnose_entry_shown(search->config, search->let_in, line)
		       ? DIAGNOSE_KNOWN_ADDRESS
		       : DIAGNOSE_KNOWN_NOT;
}

const char *diagnose_search_by(const struct diagnose_search *search)
{
	static const char *const texts[] = {
		[DIAGNOSE_KNOWN_NOT] = "",
		[DIAGNOSE_KNOWN_ENTRY] = "its entry",
		[DIAGNOSE_KNOWN_AE_TITLE] = "its AE title",
		[DIAGNOSE_KNOWN_CERTIFICATE] = "its certificate",
		[DIAGNOSE_KNOWN_SHOWN] = "the certificate that it showed: nobody has "
					 "proved to have its key",
		[DIAGNOSE_KNOWN_FORMER] = "a certificate with which it was let in before",
		[DIAGNOSE_KNOWN_FORMER_SHOWN] =
			"the certificate that it showed, with which it was let in "
			"before: nobody has proved this time to have its key",
		[DIAGNOSE_KNOWN_ADDRESS] = "its address",
	};

	return texts[search->by];
}

const struct config_modality *diagnose_search_whose(const struct diagnose_search *search)
{
	return search->by == DIAGNOSE_KNOWN_ADDRESS
		       ? diagnose_entry_of(search->config, search->let_in, search->last)
		       : search->entry;
}

bool diagnose_is_of_tls(const json_t *line)
{
	const struct reason_help *help =
		reason_help(reason_of_name(members_text(line, "reason")));

	return help && help->place == REASON_PLACE_TLS;
}

/* Whether somebody was refused whom no entry fits. Who failed in TLS has said no name,
 * and may be this modality only if it was never seen. */
static bool is_strange(const struct diagnose_search *search, const json_t *line)
{
	const struct config *config = search->config;
	const char *calling = members_text(line, "calling_ae");
	const char *peer = members_text(line, "peer");

	if (members_text(line, "modality")[0] ||
	    strcmp(members_text(line, "outcome"), "refused") != 0 ||
	    diagnose_entry_of(config, search->let_in, line))
		return false;
	if (!calling[0] && (search->last || !diagnose_is_of_tls(line) || !peer[0]))
		return false;
	for (size_t i = 0; i < config->modality_count; i++) {
		const struct config_modality *entry = &config->modalities[i];

		if (!calling[0] && entry->address_count > 0 &&
		    diagnose_has_peer(entry, peer))
			return false;
	}
	return true;
}

static void keep_latest(json_t **at, json_t *line)
{
	json_decref(*at);
	*at = json_incref(line);
}

/* That an association was released says less than why an earlier one was refused. */
static bool tells_more(const json_t *line)
{
	return strcmp(members_text(line, "outcome"), "released") != 0;
}

void diagnose_search_visit(void *context, json_t *line)
{
	struct diagnose_search *search = context;
	const char *outcome = members_text(line, "outcome");
	enum diagnose_known by;

	const char *event = members_text(line, "event");

	/* What couriers do says nothing of how the modality came. */
	if (strcmp(event, "alert") == 0 || strcmp(event, "delivery") == 0)
		return;
	diagnose_note_let_in(search->let_in, line);
	by = known_by(search, line);
	if (by != DIAGNOSE_KNOWN_NOT) {
		if (tells_more(line)) {
			keep_latest(&search->last, line);
			search->by = by;
		}
		if (strcmp(outcome, "accepted") == 0)
			keep_latest(&search->accepted, line);
		json_decref(search->stranger);
		search->stranger = NULL;
	} else if (is_strange(search, line)) {
		keep_latest(&search->stranger, line);
	}
}
