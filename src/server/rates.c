#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "cathgate/clock.h"

bool rate_allows(struct rate *rate, unsigned per_minute)
{
	int64_t now_ms = clock_ms();

	if (per_minute == 0)
		return true;
	rate->level -= (double)(now_ms - rate->at_ms) * per_minute / 60000.0;
	if (rate->level < 0)
		rate->level = 0;
	rate->at_ms = now_ms;
	if (rate->level + 1 > per_minute)
		return false;
	rate->level += 1;
	return true;
}

int rates_renew(struct server *server, const struct config *before,
		const struct config *now)
{
	struct rate *rates = calloc(now->modality_count, sizeof(*rates));

	if (!rates)
		return -1;
	for (size_t i = 0; before && i < now->modality_count; i++) {
		size_t was = setup_find_modality(before, now->modalities[i].name);

		if (was != NOWHERE)
			rates[i] = server->modality_rates[was];
	}
	free(server->modality_rates);
	server->modality_rates = rates;
	return 0;
}

struct address rate_address(const struct address *address)
{
	struct address whole = *address;

	if (whole.v6)
		memset(whole.bytes + 8, 0, 8);
	return whole;
}

/* The table is small and fixed: when it is full, the address that has been quiet for the
 * longest gives up its row. */
struct rate *rate_of_address(struct server *server, const struct address *address)
{
	struct rate *oldest = &server->address_rates[0];

	for (size_t i = 0; i < RATE_ADDRESSES; i++) {
		struct rate *rate = &server->address_rates[i];

		if (rate->at_ms != 0 && address_equal(&rate->address, address))
			return rate;
		if (rate->at_ms < oldest->at_ms)
			oldest = rate;
	}
	*oldest = (struct rate){ .address = *address, .at_ms = clock_ms() };
	return oldest;
}
