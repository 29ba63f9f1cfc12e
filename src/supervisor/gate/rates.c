#include "supervisor/gate/visitors.h"

#include <stdlib.h>

#include "supervisor/settings/settings.h"

#define MS_PER_MINUTE  60000.0
#define BURST_AT_LEAST 30

struct rate_limit rate_limit_of(unsigned per_minute)
{
	unsigned burst = per_minute / 4;

	if (burst < BURST_AT_LEAST)
		burst = BURST_AT_LEAST;
	return (struct rate_limit){ .per_minute = per_minute,
				    .burst = burst < per_minute ? burst : per_minute };
}

static void leak(struct rate *rate, struct rate_limit limit, int64_t now_ms)
{
	rate->level -= (double)(now_ms - rate->at_ms) * limit.per_minute / MS_PER_MINUTE;
	if (rate->level < 0)
		rate->level = 0;
	rate->at_ms = now_ms;
}

bool rate_has_room(struct rate *rate, struct rate_limit limit, int64_t now_ms)
{
	leak(rate, limit, now_ms);
	return rate->level + 1 <= limit.burst;
}

void rate_count(struct rate *rate, struct rate_limit limit, double number, int64_t now_ms)
{
	leak(rate, limit, now_ms);
	rate->level += number;
	if (rate->level > limit.burst)
		rate->level = limit.burst;
}

void rate_take_back(struct rate *rate)
{
	rate->level = rate->level > 1 ? rate->level - 1 : 0;
}

int rates_renew(struct rate **rates, const struct config *before,
		const struct config *now)
{
	struct rate *next = calloc(now->modality_count, sizeof(*next));

	if (!next)
		return -1;
	for (size_t i = 0; before && i < now->modality_count; i++) {
		size_t was = settings_find_modality(before, now->modalities[i].name);

		if (was != NOWHERE)
			next[i] = (*rates)[was];
	}
	free(*rates);
	*rates = next;
	return 0;
}
