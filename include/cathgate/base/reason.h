/*
 * The reason codes: why the gateway refused or failed something, or raised an alert.
 * Their names never change: they stand in the audit log, the journal and the operator's
 * handbook. reasons.def holds all that is said of each.
 */
#pragma once

enum reason {
	REASON_NONE = 0,
#define REASON(id, name, place, cause, cure) REASON_##id,
#include "cathgate/base/reasons.def"
#undef REASON
	REASON_COUNT
};

/* Static text, "tls-expired"; NULL for REASON_NONE and for a number that is no reason. */
const char *reason_name(enum reason reason);
/* REASON_NONE when no reason has that name. */
enum reason reason_of_name(const char *name);

/* Where a reason comes from. */
enum reason_place {
	REASON_PLACE_TLS, /* with the modality */
	REASON_PLACE_ASSOCIATION,
	REASON_PLACE_DESTINATION,
	REASON_PLACE_SPOOL,
	REASON_PLACE_GATEWAY
};

/* What an operator is told of a reason. */
struct reason_help {
	enum reason_place place;
	const char *cause, *cure;
};

/* Static; NULL for REASON_NONE and for a number that is no reason. */
const struct reason_help *reason_help(enum reason reason);
