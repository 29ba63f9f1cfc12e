/* When each modality was last let in and last refused, as the audit log says. */
#pragma once

#include <stdint.h>

#include "site.h"

#define MODALITY_SEEN_DAYS 30 /* so far the log is read back */

struct modality_seen {
	int64_t accepted, refused;		  /* MOMENT_NONE: not in these days */
	const char *reason;			  /* of the refusal */
	const char *accepted_text, *refused_text; /* the times as the log has them */
};

/* One for each entry of the configuration, in its order; kept. NULL, with a message, when
 * the log can't be read. A gateway that never ran has no log, and has seen nobody.
 *
 * A refusal counts for the entry that the gateway has found; else for that of the
 * certificate, which may only have been shown; else, where one entry alone has the
 * calling AE title, for that one; else for that which was last let in with that
 * certificate. Only the first is a proof of who it was. */
MUST_USE struct modality_seen *modality_seen(const struct site *site);
