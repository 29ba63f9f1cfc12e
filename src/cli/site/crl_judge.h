/* Whether a CRL that was fetched may take the place of the one that is there. */
#pragma once

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/pki/pki.h"

/* `candidate`: the path of the new one. As handshakes would judge it where the
 * configuration reads `path`; or, if it doesn't yet, by the CAs of any listener or
 * destination. NULL when it is good; else what is wrong, and the cure. Kept. */
MUST_USE const char *crl_judge(const struct config *config, const char *candidate,
			       const char *path);
