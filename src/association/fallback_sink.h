/*
 * The sink of spool.mode "fallback" (spool_sink.h).
 */
#pragma once

#include <stdbool.h>

#include "cathgate/base/must_use.h"
#include "cathgate/outbound/sink.h"

struct association;

/* Makes the association's sink of two: the one that it has, which is the destination's,
 * and `spool`. 0, or -1 without memory. */
MUST_USE int fallback_sink_set_up(struct association *association,
				  const struct sink *spool);

/* Whether what fails for that reason may go into the spool instead. */
bool fallback_sink_may_keep(enum reason reason);
/* The destination was called in vain: it is left alone for a while. */
void fallback_sink_is_away(struct association *association);
