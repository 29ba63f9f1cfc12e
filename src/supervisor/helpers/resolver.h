/*
 * The resolver asks the name service for each destination now and then, so that neither
 * the supervisor nor an association ever waits for it. An answer that fails leaves the
 * last good one in force.
 */
#pragma once

#include "cathgate/process/process.h"
#include "cathgate/sandbox/sandbox.h"
#include "supervisor/settings/settings.h"

struct resolver {
	struct helper *helper;
	bool has_names;	   /* to ask for; what is a number needs no resolver */
	bool has_answered; /* for each once, or there was nothing to ask */
};

/* Takes from the settings' destinations what is a number, and looks for names. */
void resolver_decide(struct resolver *resolver, struct settings *settings);
/* What the process does, until its channel closes. Returns its exit status. */
MUST_USE int resolver_run(int channel, const struct config *config,
			  const struct sandbox_program *sandbox);
void resolver_hear(struct resolver *resolver, struct settings *settings);
/* Other settings are in force: what is known of hosts in `before` stays known. Whether
 * their destinations are at other hosts or ports. */
MUST_USE bool resolver_renew(struct resolver *resolver, struct settings *settings,
			     const struct settings *before);
