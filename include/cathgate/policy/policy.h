/*
 * The allowlist: yes, or no with a reason code. A certificate is an identity, an AE title
 * is not; an association fits one entry or none.
 *
 * Pure functions of the configuration and of what a peer has proved or claimed.
 */
#ifndef CATHGATE_POLICY_H
#define CATHGATE_POLICY_H

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/base/reason.h"
#include "cathgate/tls/tls.h"

#ifdef __cplusplus
extern "C" {
#endif

struct policy_claim {
	const struct tls_peer *certificate; /* NULL on a plain listener */
	struct ae_title calling, called;
	struct address address;
};

/* The entry that all of the claim fits, or NULL with the reason: that of the first test
 * that the closest entries fail, in the order AE title, certificate, called AE title,
 * address. */
const struct config_modality *policy_admit(const struct config *config,
					   const struct policy_claim *claim,
					   enum reason *ret_reason);

/* Whether the claim fits that entry in all: REASON_NONE, or why not. */
MUST_USE enum reason policy_fits(const struct config_modality *entry,
				 const struct policy_claim *claim);

/* Whether the entry lets anybody come from there. */
bool policy_allows_address(const struct config_modality *entry,
			   const struct address *address);

/* Whether a SOP class may be stored under the entry: REASON_NONE, or
 * REASON_SOP_CLASS_NOT_ALLOWED. `is_storage` says whether the UID can be one of storage
 * at all. */
MUST_USE enum reason policy_sop_class(const struct config_modality *entry,
				      const char *uid, bool is_storage);

/* Whether a move originator (0000,1030) may stand in a C-STORE-RQ; NULL when there is
 * none, which always may. REASON_NONE or REASON_MOVE_ORIGINATOR. */
MUST_USE enum reason policy_move_originator(const struct config_modality *entry,
					    const struct ae_title *originator);

/* Adds an error for each two entries that one association could fit, and for entries that
 * no listener can serve. */
void policy_check(const struct config *config, struct config_faults *faults);

#ifdef __cplusplus
}
#endif

#endif
