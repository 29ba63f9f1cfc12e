/*
 * How fast the spool's objects are delivered, of each destination. Only time in which
 * there was something to deliver, and the destination was served, counts: so what is
 * measured is how fast the destination takes them, not how fast they come.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cathgate/spool/spooler.h"

#define PACE_SAMPLES 30 /* ten seconds apart: five minutes */

struct pace_sample {
	int64_t busy_us;
	uint64_t done, bytes;
};

struct pace {
	char destination[64];
	int64_t told_us;
	bool was_busy;
	struct pace_sample now;
	struct pace_sample ring[PACE_SAMPLES];
	size_t count, first;
};

struct paces {
	struct pace *items;
	size_t count;
};

/* 0 where it isn't known. */
struct pace_rate {
	double objects, bytes; /* a second */
};

/* Takes what is known now; `now_us` is clock_us(). */
void paces_take(struct paces *paces, const struct spooler_figures *figures,
		int64_t now_us);
struct pace_rate paces_rate(const struct paces *paces, const char *destination);
/* The seconds until all that is queued is delivered, at that rate; -1 where it can't be
 * told, as while the destination is away. */
double pace_left(const struct spooler_figures *figures, const struct pace_rate *rate);
void paces_clear(struct paces *paces);
