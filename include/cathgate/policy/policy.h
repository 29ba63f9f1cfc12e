/*
 * The allowlist: whether a modality may connect and store, and if not, the reason code.
 * Certificates identify modalities; AE titles don't. An association fits one entry or
 * none.
 *
 * All are pure functions of the configuration and of what a peer has proved or claimed.
 */
#pragma once

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/base/reason.h"
#include "cathgate/tls/tls.h"

struct policy_claim {
	const struct tls_peer *certificate; /* NULL on a plain listener */
	struct ae_title calling, called;
	struct address address;
};

/* The entry that the whole claim fits, or NULL with the reason. The tests come in the
 * order AE title, certificate, called AE title, address; the reason is that of the first
 * test which the closest entries fail. */
const struct config_modality *policy_admit(const struct config *config,
					   const struct policy_claim *claim,
					   enum reason *ret_reason);

/* REASON_NONE when the whole claim fits that entry, else why not. */
MUST_USE enum reason policy_fits(const struct config_modality *entry,
				 const struct policy_claim *claim);

/* Whether the entry allows connections from that address. */
bool policy_allows_address(const struct config_modality *entry,
			   const struct address *address);

/* REASON_NONE when the entry allows storing the SOP class, else
 * REASON_SOP_CLASS_NOT_ALLOWED. `is_storage`: whether the UID can be a storage class. */
MUST_USE enum reason policy_sop_class(const struct config_modality *entry,
				      const char *uid, bool is_storage);

/* REASON_NONE when the entry allows that move originator (0000,1030) in a C-STORE-RQ, or
 * when `originator` is NULL, as most have none; else REASON_MOVE_ORIGINATOR. */
MUST_USE enum reason policy_move_originator(const struct config_modality *entry,
					    const struct ae_title *originator);

/* Adds an error for each pair of entries that one association could fit, and for each
 * entry that no listener can serve. */
void policy_check(const struct config *config, struct config_faults *faults);
