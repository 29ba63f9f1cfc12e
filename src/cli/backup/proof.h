/* What restore proves before it replaces anything. Each says what is wrong, and the cure.
 */
#pragma once

#include <stdbool.h>

#include "cathgate/base/must_use.h"
#include "cli/kit/daemon_user.h"
#include "staged.h"

/* Holds what a gateway or a command that works here would hold. */
struct proof_locks {
	int site, log;
};
/* -1 when the gateway runs, or could be started by the next connection; or when rsyslog
 * still reads the audit messages beside the log. */
MUST_USE int proof_stopped(struct proof_locks *ret);
void proof_locks_release(const struct proof_locks *locks);

/* `cathgated --check` of the staged configuration, as the service's user, who sees it
 * where it will be. */
MUST_USE int proof_config(const struct staged *staged, const struct daemon_user *user);

/* Whether the audit log that is there now has no line which the staged one lacks. */
MUST_USE int proof_log(const struct staged *staged);
