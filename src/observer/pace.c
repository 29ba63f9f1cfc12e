#include "pace.h"

#include <stdlib.h>
#include <string.h>

#define SAMPLE_US 10000000
#define LEAST_US  500000 /* less says nothing */

static struct pace *find(const struct paces *paces, const char *destination)
{
	for (size_t i = 0; i < paces->count; i++)
		if (strcmp(paces->items[i].destination, destination) == 0)
			return &paces->items[i];
	return NULL;
}

static struct pace *find_or_add(struct paces *paces,
				const struct spooler_figures *figures, int64_t now_us)
{
	struct pace *pace = find(paces, figures->destination), *more;

	if (pace)
		return pace;
	more = reallocarray(paces->items, paces->count + 1, sizeof(*more));
	if (!more)
		return NULL;
	paces->items = more;
	pace = &more[paces->count++];
	*pace = (struct pace){ .told_us = now_us };
	memcpy(pace->destination, figures->destination, sizeof(pace->destination));
	pace->now.done = figures->done;
	pace->now.bytes = figures->done_bytes;
	return pace;
}

static const struct pace_sample *latest_of(const struct pace *pace)
{
	return &pace->ring[(pace->first + pace->count - 1) % PACE_SAMPLES];
}

static void add_sample(struct pace *pace)
{
	if (pace->count == PACE_SAMPLES) {
		pace->first = (pace->first + 1) % PACE_SAMPLES;
		pace->count--;
	}
	pace->ring[(pace->first + pace->count++) % PACE_SAMPLES] = pace->now;
}

void paces_take(struct paces *paces, const struct spooler_figures *figures,
		int64_t now_us)
{
	struct pace *pace = find_or_add(paces, figures, now_us);

	if (!pace)
		return;
	/* Another spooler counts from nothing. */
	if (figures->done < pace->now.done || figures->done_bytes < pace->now.bytes) {
		pace->count = 0;
		pace->now.done = figures->done;
		pace->now.bytes = figures->done_bytes;
	}
	if (pace->was_busy || figures->done > pace->now.done)
		pace->now.busy_us += now_us - pace->told_us;
	if (pace->count == 0)
		add_sample(pace);
	pace->told_us = now_us;
	pace->was_busy = figures->objects > 0 && figures->again == 0;
	pace->now.done = figures->done;
	pace->now.bytes = figures->done_bytes;
	if (pace->now.busy_us - latest_of(pace)->busy_us >= SAMPLE_US)
		add_sample(pace);
}

struct pace_rate paces_rate(const struct paces *paces, const char *destination)
{
	const struct pace *pace = find(paces, destination);
	const struct pace_sample *from = pace ? &pace->ring[pace->first] : NULL;
	double seconds;

	if (!from || pace->count == 0 || pace->now.busy_us - from->busy_us < LEAST_US)
		return (struct pace_rate){ 0 };
	seconds = (double)(pace->now.busy_us - from->busy_us) / 1e6;
	return (struct pace_rate){
		.objects = (double)(pace->now.done - from->done) / seconds,
		.bytes = (double)(pace->now.bytes - from->bytes) / seconds,
	};
}

/* Large objects take their bytes' time, small ones each their own. */
double pace_left(const struct spooler_figures *figures, const struct pace_rate *rate)
{
	double by_objects, by_bytes;

	if (figures->objects == 0)
		return 0;
	if (figures->again != 0 || rate->objects <= 0 || rate->bytes <= 0)
		return -1;
	by_objects = (double)figures->objects / rate->objects;
	by_bytes = (double)figures->bytes / rate->bytes;
	return by_objects > by_bytes ? by_objects : by_bytes;
}

void paces_clear(struct paces *paces)
{
	free(paces->items);
	*paces = (struct paces){ .items = NULL };
}
