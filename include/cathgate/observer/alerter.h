/*
 * The alerter runs a command of the administrator's (alerts.command) for what somebody
 * should hear of: problems that begin, become critical and end, and the audit log's
 * alerts.
 *
 * Promises: the command is in nobody's way; it gets one JSON object on its standard
 * input, no descriptor, no key, and a clean environment; it is ended, with all that it
 * has started, after ALERTER_COMMAND_SECONDS. It runs ALERTER_PER_MINUTE times a minute
 * at most, one at a time; what comes meanwhile is summed up. An alert for which it fails
 * is tried again, ALERTER_TRIES times in all, and then dropped, which is logged. That the
 * gateway itself is down it can't tell, since it ends with it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/sandbox/sandbox.h"

#define ALERTER_COMMAND_SECONDS 30
#define ALERTER_PER_MINUTE	4
#define ALERTER_TRIES		3  /* of an alert for which it fails, a minute apart */
#define ALERTER_GONE_SECONDS	60 /* a problem that is absent so long is over */

/* What the alerter tells the supervisor, in one message each time. */
struct alerter_totals {
	/* Runs of the command; `dropped` are those that failed at an alert's last try. */
	uint64_t done, failed, dropped;
	/* Behind the last alert of the log that it has taken; 0: none yet. */
	uint64_t heard;
};

bool alerter_is_wanted(const struct config *config);
/* Faults of the command: one that can't be run, or that others could change. */
void alerter_check(const struct config *config, struct config_faults *faults);
/* Works until the supervisor's socket, which brings snapshots as the observer's does,
 * closes. `heard` is that of the alerter before: no alert is lost between the two, but
 * one of the last second may be told twice. Returns the exit status of its process. */
MUST_USE int alerter_run(int supervisor, const struct config *config, uint64_t heard,
			 const struct sandbox_program *sandbox);
