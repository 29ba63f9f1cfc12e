/*
 * The reason codes: one word each, fixed for ever, for whatever the gateway refuses,
 * fails or raises. They stand in the audit log, the journal and the operator's handbook.
 * All that is said of them is in cathgate/reasons.def.
 */
#ifndef CATHGATE_REASON_H
#define CATHGATE_REASON_H

#ifdef __cplusplus
extern "C" {
#endif

enum reason {
	REASON_NONE = 0,
#define REASON(name, word, place, cause, cure) REASON_##name,
#include "cathgate/base/reasons.def"
#undef REASON
	REASON_COUNT
};

/* The word of a reason; NULL for REASON_NONE and for a number that is none. */
const char *reason_name(enum reason reason);
/* The reason of a word; REASON_NONE when it is none. */
enum reason reason_of_name(const char *word);

/* Where a reason comes from. */
enum reason_place {
	REASON_PLACE_TLS, /* with the modality */
	REASON_PLACE_ASSOCIATION,
	REASON_PLACE_DESTINATION,
	REASON_PLACE_GATEWAY
};

/* What an operator is told of a reason. */
struct reason_help {
	enum reason_place place;
	const char *cause, *cure;
};

/* NULL for REASON_NONE and for a number that is none. Static. */
const struct reason_help *reason_help(enum reason reason);

#ifdef __cplusplus
}
#endif

#endif
