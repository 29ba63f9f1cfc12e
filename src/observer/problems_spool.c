/* What of the spool an operator must act on. */
#include "problems_spool.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cathgate/base/utc.h"

#define MISSING_SECONDS 10 /* a spooler that a reload replaces is back by then */

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void put_spool(const struct snapshot *snapshot, problems_put *put, void *list)
{
	const struct observer_spool *spool = &snapshot->head.spool;

	if (spool->missing_seconds >= MISSING_SECONDS)
		put(list, true, "spool-away", "", "",
		    "the spool is out of service for %lld s: its spooler or its key's "
		    "keeper can't be started (journalctl -u cathgated says why)",
		    (long long)spool->missing_seconds);
	if (spool->is_full)
		put(list, true, "spool-full", "", "",
		    spool->used >= spool->most
			    ? "the spool is full: it holds spool.max_bytes, and takes no "
			      "more objects"
			    : "the spool is full: less than spool.min_free_bytes is "
			      "free on its disk, and it takes no more objects");
	if (spool->strangers > 0)
		put(list, true, "spool-strangers", "", "",
		    "%" PRIu32 " file%s in the spool's folder %s no name by a key in "
		    "spool.key, so what %s isn't delivered: name the key that was taken "
		    "away again, or remove what isn't of the spool",
		    spool->strangers, plural(spool->strangers),
		    spool->strangers == 1 ? "has" : "have",
		    spool->strangers == 1 ? "it holds" : "they hold");
}

static void put_waiting(const struct snapshot *snapshot,
			const struct spooler_figures *figures, int64_t now,
			problems_put *put, void *list)
{
	int64_t half = snapshot->head.spool.give_up_hours * 1800LL;
	int64_t waits = now - figures->oldest;
	char since[UTC_TEXT_SIZE];

	if (figures->oldest == 0 || waits < OBSERVER_SPOOL_SECONDS)
		return;
	utc_text_seconds((time_t)figures->oldest, since);
	put(list, waits >= half, "spool-waits", figures->destination, since,
	    "%" PRIu64 " object%s for %s wait%s in the spool, the oldest for %" PRId64
	    " min%s",
	    figures->objects, plural(figures->objects), figures->destination,
	    figures->objects == 1 ? "s" : "", waits / 60,
	    figures->again > now ? "; the destination fails, and is tried again by "
				   "itself"
				 : "");
}

static void put_of(const struct snapshot *snapshot, const struct spooler_figures *figures,
		   int64_t now, problems_put *put, void *list)
{
	uint64_t strays = figures->objects + figures->held + figures->dead;

	if (!figures->destination[0]) {
		put(list, true, "spool-stray", "", "",
		    "%" PRIu64 " object%s in the spool %s for a destination that the "
		    "configuration does not name any more: they wait until it does",
		    strays, plural(strays), strays == 1 ? "is" : "are");
		return;
	}
	put_waiting(snapshot, figures, now, put, list);
	if (figures->dead > 0)
		put(list, true, "spool-dead", figures->destination, "",
		    "%" PRIu64 " object%s for %s %s not delivered by %s any more: "
		    "cathgate spool list --state dead; cathgate spool retry sends again",
		    figures->dead, plural(figures->dead), figures->destination,
		    figures->dead == 1 ? "is" : "are",
		    figures->dead == 1 ? "itself" : "themselves");
	if (figures->held > 0)
		put(list, false, "spool-held", figures->destination, "",
		    "%" PRIu64 " object%s for %s %s held until an operator decides: "
		    "cathgate spool list --state held",
		    figures->held, plural(figures->held), figures->destination,
		    figures->held == 1 ? "is" : "are");
}

void problems_of_spool(const struct snapshot *snapshot, int64_t now, problems_put *put,
		       void *list)
{
	if (!snapshot->memory || !snapshot->head.spool.is_there)
		return;
	put_spool(snapshot, put, list);
	for (uint32_t i = 0; i < snapshot->head.spool_count; i++)
		put_of(snapshot, &snapshot->spool[i], now, put, list);
}
