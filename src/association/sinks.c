#include "sinks.h"

#include <stdlib.h>

#include "fallback_sink.h"
#include "internal.h"

int sinks_set_up(struct association *association)
{
	enum config_spool_mode mode = association->entry.now->spool;
	const struct spool_public *key = association->start->spool;
	struct sink spool;

	outbound_sink(&association->out, &association->sink);
	if (mode == CONFIG_SPOOL_OFF || !key)
		return 0;
	spool_sink_make(association, &spool);
	association->spool.sealer = spool_sealer_new(key);
	if (!association->spool.sealer)
		return -1;
	if (mode == CONFIG_SPOOL_FALLBACK)
		return fallback_sink_set_up(association, &spool);
	association->sink = spool;
	return 0;
}

void sinks_clear(struct association *association)
{
	struct spool_sink *spool = &association->spool;

	if (spool->sealer)
		association->sink.abort(association->sink.context);
	spool_client_adopt(&spool->client, -1);
	spool_sealer_free(spool->sealer);
	free(association->fallback.memory);
	known_clear(&association->known);
}
