#include "recent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cathgate/base/utc.h"

static struct recent *find(struct recents *recents, enum recent_kind kind,
			   const char *who)
{
	for (size_t i = 0; i < recents->count; i++)
		if (recents->items[i].kind == kind &&
		    strcmp(recents->items[i].who, who) == 0)
			return &recents->items[i];
	return NULL;
}

static struct recent *make(struct recents *recents, enum recent_kind kind,
			   const char *who)
{
	struct recent *place = &recents->items[0];

	if (recents->count < RECENT_MAX)
		place = &recents->items[recents->count++];
	else
		for (size_t i = 1; i < recents->count; i++)
			if (recents->items[i].times[0] < place->times[0])
				place = &recents->items[i];
	*place = (struct recent){ .kind = kind };
	snprintf(place->who, sizeof(place->who), "%s", who);
	return place;
}

void recents_add(struct recents *recents, enum recent_kind kind, const char *who,
		 const struct happening *what, double count)
{
	struct recent *recent = find(recents, kind, who);

	if (!recent)
		recent = make(recents, kind, who);
	recent->last = *what;
	for (int i = 0; i < RECENT_REFUSALS && i < count; i++) {
		memmove(recent->times + 1, recent->times,
			sizeof(recent->times) - sizeof(recent->times[0]));
		recent->times[0] = utc_seconds(what->time);
	}
}

void recents_forget(struct recents *recents, enum recent_kind kind, const char *who)
{
	struct recent *recent = find(recents, kind, who);

	if (recent)
		*recent = recents->items[--recents->count];
}

bool recent_holds(const struct recent *recent, int64_t now)
{
	bool refused = recent->kind == RECENT_REFUSED ||
		       recent->kind == RECENT_REFUSED_INSTANCES;
	int64_t first = recent->times[refused ? RECENT_REFUSALS - 1 : 0];

	/* A clock that was set back must not keep it for ever. */
	return llabs(now - first) < RECENT_SECONDS;
}
