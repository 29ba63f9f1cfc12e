/*
 * What would become now of what a line says was refused: the entry may have been
 * corrected since, and then no cure of that is left to name.
 */
#include "diagnose.h"

#include "cathgate/audit/members.h"
#include "cathgate/base/reason.h"
#include "cathgate/dicom/sop_class.h"
#include "cathgate/policy/policy.h"

/* As policy/ judges: the further behind, the closer the entry. */
static const enum reason closer[] = { REASON_AE_UNKNOWN, REASON_AE_CERTIFICATE_MISMATCH,
				      REASON_CALLED_AE_UNKNOWN,
				      REASON_ADDRESS_NOT_ALLOWED, REASON_NONE };

#define KINDS (sizeof(closer) / sizeof(*closer))

static size_t rank_of(enum reason reason)
{
	size_t i = 0;

	while (i < KINDS && closer[i] != reason)
		i++;
	return i;
}

/* Where the certificate can't be told, it is as the gateway found it then. */
static bool takes_certificate(const struct config *config, const json_t *line,
			      const struct config_modality *entry)
{
	enum diagnose_fit fit =
		diagnose_fit(config, entry, members_text(line, "certificate"));
	size_t then = rank_of(reason_of_name(members_text(line, "reason")));

	return fit == DIAGNOSE_FITS || (fit == DIAGNOSE_UNPROVED &&
					then > rank_of(REASON_AE_CERTIFICATE_MISMATCH));
}

static enum reason judge(const struct config *config, const json_t *line,
			 const struct config_modality *entry)
{
	if (!diagnose_has_title(&entry->ae_titles, members_text(line, "calling_ae")))
		return REASON_AE_UNKNOWN;
	if (!takes_certificate(config, line, entry))
		return REASON_AE_CERTIFICATE_MISMATCH;
	if (!diagnose_has_title(&entry->called_ae_titles,
				members_text(line, "called_ae")))
		return REASON_CALLED_AE_UNKNOWN;
	if (!diagnose_has_peer(entry, members_text(line, "peer")))
		return REASON_ADDRESS_NOT_ALLOWED;
	return REASON_NONE;
}

static enum reason judge_sop_class(const json_t *line,
				   const struct config_modality *entry)
{
	const char *class = members_text(line, "sop_class");

	return entry && class[0]
		       ? policy_sop_class(entry, class, sop_class_is_storage(class))
		       : REASON_SOP_CLASS_NOT_ALLOWED;
}

enum reason diagnose_again(const struct config *config, const json_t *line,
			   const struct config_modality **entry)
{
	enum reason then = reason_of_name(members_text(line, "reason"));
	enum reason now = *entry ? judge(config, line, *entry) : REASON_AE_UNKNOWN;

	if (then == REASON_SOP_CLASS_NOT_ALLOWED)
		return judge_sop_class(line, *entry);
	if (then == REASON_NONE || rank_of(then) == KINDS)
		return then;
	for (size_t i = 0; i < config->modality_count; i++) {
		enum reason other = judge(config, line, &config->modalities[i]);

		if (rank_of(other) > rank_of(now)) {
			*entry = &config->modalities[i];
			now = other;
		}
	}
	return now;
}
