#include "cathgate/policy/policy.h"

#include <string.h>
#include <strings.h>

/* How many tests of an association an entry passes, in the tests' order. */
enum closeness {
	KNOWS_NOTHING,
	KNOWS_AE_TITLE,
	KNOWS_CERTIFICATE,
	KNOWS_CALLED_AE_TITLE,
	KNOWS_ALL
};

static bool holds_ae_title(const struct config_ae_titles *titles,
			   const struct ae_title *title)
{
	for (size_t i = 0; i < titles->count; i++)
		if (ae_title_equal(&titles->items[i], title))
			return true;
	return false;
}

static bool holds_text(const struct config_strings *strings, const char *text)
{
	for (size_t i = 0; i < strings->count; i++)
		if (strcmp(strings->items[i], text) == 0)
			return true;
	return false;
}

static bool holds_any(const struct config_strings *strings, char *const *texts,
		      size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (holds_text(strings, texts[i]))
			return true;
	return false;
}

/* DNS names know no case (RFC 4343). */
static bool holds_any_dns(const struct config_strings *strings, char *const *names,
			  size_t count)
{
	for (size_t i = 0; i < strings->count; i++) {
		for (size_t j = 0; j < count; j++)
			if (strcasecmp(strings->items[i], names[j]) == 0)
				return true;
	}
	return false;
}

static bool fits_certificate(const struct config_certificate *bound,
			     const struct tls_peer *peer)
{
	if (bound->none || !peer)
		return bound->none && !peer;
	if (peer->vouches_for_itself &&
	    bound->sha256.count + bound->public_key_sha256.count == 0)
		return false;
	if (bound->sha256.count > 0 &&
	    !holds_text(&bound->sha256, peer->certificate_sha256))
		return false;
	if (bound->public_key_sha256.count > 0 &&
	    !holds_text(&bound->public_key_sha256, peer->public_key_sha256))
		return false;
	if (bound->dns.count > 0 &&
	    !holds_any_dns(&bound->dns, peer->dns, peer->dns_count))
		return false;
	if (bound->uri.count > 0 && !holds_any(&bound->uri, peer->uri, peer->uri_count))
		return false;
	if (bound->common_name.count > 0 &&
	    !holds_text(&bound->common_name, peer->common_name))
		return false;
	/* An entry that names no certificate fits no modality. */
	return bound->sha256.count + bound->public_key_sha256.count + bound->dns.count +
		       bound->uri.count + bound->common_name.count >
	       0;
}

bool policy_allows_address(const struct config_modality *entry,
			   const struct address *address)
{
	for (size_t i = 0; i < entry->address_count; i++)
		if (address_range_holds(&entry->addresses[i], address))
			return true;
	return entry->address_count == 0;
}

static enum closeness closeness(const struct config_modality *entry,
				const struct policy_claim *claim)
{
	if (!holds_ae_title(&entry->ae_titles, &claim->calling))
		return KNOWS_NOTHING;
	if (!fits_certificate(&entry->certificate, claim->certificate))
		return KNOWS_AE_TITLE;
	if (!holds_ae_title(&entry->called_ae_titles, &claim->called))
		return KNOWS_CERTIFICATE;
	if (!policy_allows_address(entry, &claim->address))
		return KNOWS_CALLED_AE_TITLE;
	return KNOWS_ALL;
}

static const enum reason reasons[] = {
	[KNOWS_NOTHING] = REASON_AE_UNKNOWN,
	[KNOWS_AE_TITLE] = REASON_AE_CERTIFICATE_MISMATCH,
	[KNOWS_CERTIFICATE] = REASON_CALLED_AE_UNKNOWN,
	[KNOWS_CALLED_AE_TITLE] = REASON_ADDRESS_NOT_ALLOWED,
	[KNOWS_ALL] = REASON_NONE,
};

const struct config_modality *policy_admit(const struct config *config,
					   const struct policy_claim *claim,
					   enum reason *ret_reason)
{
	enum closeness closest = KNOWS_NOTHING;

	for (size_t i = 0; i < config->modality_count; i++) {
		enum closeness close = closeness(&config->modalities[i], claim);

		if (close == KNOWS_ALL)
			return &config->modalities[i];
		if (close > closest)
			closest = close;
	}
	*ret_reason = reasons[closest];
	return NULL;
}

enum reason policy_fits(const struct config_modality *entry,
			const struct policy_claim *claim)
{
	return reasons[closeness(entry, claim)];
}

enum reason policy_sop_class(const struct config_modality *entry, const char *uid,
			     bool is_storage)
{
	if (!is_storage ||
	    (entry->sop_classes.count > 0 && !holds_text(&entry->sop_classes, uid)))
		return REASON_SOP_CLASS_NOT_ALLOWED;
	return REASON_NONE;
}

enum reason policy_move_originator(const struct config_modality *entry,
				   const struct ae_title *originator)
{
	if (!originator || holds_ae_title(&entry->move_originators, originator))
		return REASON_NONE;
	return REASON_MOVE_ORIGINATOR;
}
