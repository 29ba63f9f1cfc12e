/* How often in a minute: leaky counts of events. Times are clock_ms(). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"

struct rate {
	double level;
	int64_t at_ms;
};

/* So many a minute, evenly; and so many at once. */
struct rate_limit {
	unsigned per_minute, burst;
};

/* A quarter of a minute's at once; of small limits 30, or all. */
struct rate_limit rate_limit_of(unsigned per_minute);
bool rate_has_room(struct rate *rate, struct rate_limit limit, int64_t now_ms);
void rate_count(struct rate *rate, struct rate_limit limit, double number,
		int64_t now_ms);
void rate_take_back(struct rate *rate);

/* Replaces the counts, one a modality, by those of another configuration: entries of the
 * same name go on. `*rates` and `before` may be NULL. 0 or -1. */
MUST_USE int rates_renew(struct rate **rates, const struct config *before,
			 const struct config *now);
