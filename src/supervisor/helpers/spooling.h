/*
 * The supervisor's side of the spooler and of the spool keeper: brings them together, and
 * keeps what the spooler says.
 */
#pragma once

#include "cathgate/process/process.h"
#include "cathgate/spool/spooler.h"
#include "supervisor/helpers/auditing.h"
#include "supervisor/settings/settings.h"

struct spooling {
	struct helper *spooler, *keeper;
	unsigned brought; /* the spooler's generation that has met the keeper */
	/* The generations of both, when the spooler got a channel to the auditor. */
	unsigned brought_spooler, brought_auditor;
	int64_t missing_ms; /* since when one of both isn't there (clock_ms()); 0: they
			       are */
	/* What was said last of each destination; and of all, in the last of them. */
	struct spooler_figures *figures;
	size_t count;
	struct spooler_figures last;
};

void spooling_init(struct spooling *spooling, struct helper *spooler,
		   struct helper *keeper);
void spooling_free(struct spooling *spooling);

/* Their channels are readable. The spooler's word is for the caller to act on. */
void spooling_hear_keeper(struct spooling *spooling);
void spooling_hear(struct spooling *spooling, const struct auditing *auditing,
		   struct spooler_word *ret);
/* Brings a spooler that hasn't met them to the keeper and to the auditor. `is_wanted`:
 * there is a spool. */
void spooling_maintain(struct spooling *spooling, const struct auditing *auditing,
		       bool is_wanted);
/* Other settings are in force: ends both where they were started with others. */
void spooling_renew(struct spooling *spooling, const struct settings *before,
		    const struct settings *now);

/* For how many seconds one of both hasn't been there; 0: they are, or aren't wanted. */
int64_t spooling_missing_seconds(const struct spooling *spooling);
/* What is known of that destination's part of the spool; NULL: nothing. "": of those
 * that the configuration doesn't name any more. */
const struct spooler_figures *spooling_figures(const struct spooling *spooling,
					       const char *destination);
