/*
 * The entry of the allowlist by which the modality is admitted and each instance judged.
 *
 * While the association is open the configuration may change. The supervisor then brings
 * the entry as it is now, and whom the listener's and the destination's side believe; the
 * next instance is judged by them, and goes the way to its destination that is in force.
 * The destination itself, and who answers its C-ECHO, stay as they were negotiated: an
 * association whose entry is to send elsewhere ends.
 */
#pragma once

#include "cathgate/association/association.h"
#include "cathgate/base/must_use.h"
#include "cathgate/policy/policy.h"

struct association;

struct entry_in_force {
	const struct config_modality *now;   /* NULL until admitted */
	const struct config_modality *first; /* that the modality was admitted by */
	struct config_modality *own;	     /* the memory of `now` once it has changed */
	enum reason revoked;   /* why it would not be let in now; REASON_NONE: it would */
	char revoked_why[256]; /* beginning with the reason's name */
};

/* What the modality says and proves of itself, as the allowlist asks it. */
void entry_claim(const struct association *association, struct policy_claim *ret);
/* Takes the papers that came with the notice, and judges by them. */
void entry_revise(struct association *association,
		  const int papers[ASSOCIATION_PAPER_COUNT]);
/* Whether the instance that the request brings may be stored now: by the trust in the
 * modality, its SOP class and move originator; with the detail of the reason. The
 * second says the same of the SOP class that the data set names, where that is not the
 * command's. REASON_REVOKED_WHILE_OPEN: it might when the association opened. */
MUST_USE enum reason entry_judge_instance(const struct association *association,
					  const char **ret_why);
MUST_USE enum reason entry_judge_sop_class(const struct association *association,
					   const char *sop_class);
