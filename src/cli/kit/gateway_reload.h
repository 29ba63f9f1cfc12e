/*
 * A reload that is asked for, and waited for.
 */
#pragma once

#include "cathgate/base/must_use.h"

/* Has the gateway of that configuration read it anew, and prints what came of it: the
 * changes, or the first fault with its file and line. `socket` is where to ask; NULL: as
 * the configuration says. The exit status. */
MUST_USE int gateway_reload(const char *config, const char *socket);
