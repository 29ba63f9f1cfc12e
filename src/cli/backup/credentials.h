/* Keys that systemd-creds(1) has encrypted for one machine, in backup and restore. */
#pragma once

#include <stdbool.h>

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cli/kit/daemon_user.h"

/* Decrypts those into CONTENTS_CREDENTIALS below `folder`. -1 with a message. */
MUST_USE int credentials_take(int folder, const char *const *names);

/* Whether systemd keeps an encrypted one of that name. */
bool credentials_has(const char *name);

/* Prepares what is staged below `folder`: those that came in clear are encrypted for this
 * machine, into CONTENTS_STORE; the others are decrypted, and those that drop-ins of the
 * unit load from the gateway's folder are copied, to be proved. All are then in
 * CONTENTS_CREDENTIALS, for that user to read. -1 with a message. */
MUST_USE int credentials_stage(int folder, const struct daemon_user *user);
