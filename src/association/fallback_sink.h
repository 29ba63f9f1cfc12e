#pragma once

#include "cathgate/base/must_use.h"
#include "cathgate/outbound/sink.h"

struct association;

/* Makes the association's sink of two: the one that it has, which is the destination's,
 * and `spool`. 0, or -1 without memory. */
MUST_USE int fallback_sink_set_up(struct association *association,
				  const struct sink *spool);
