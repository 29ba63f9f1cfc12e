/*
 * What went wrong for somebody within the last quarter of an hour: who was refused three
 * times, whose instances failed or stayed unconfirmed, and to which destination some are
 * delivered no more.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "happening.h"

#define RECENT_SECONDS	900
#define RECENT_REFUSALS 3 /* so many within RECENT_SECONDS are worth a word */
#define RECENT_MAX	128

enum recent_kind {
	RECENT_REFUSED, /* associations */
	RECENT_REFUSED_INSTANCES,
	RECENT_FAILED,
	RECENT_UNCONFIRMED,
	RECENT_UNDELIVERED
};

struct recent {
	enum recent_kind kind;
	/* "modality angio", "AE title CATHLAB3", "certificate CN=angio", "destination
	 * pacs" */
	char who[96];
	int64_t times[RECENT_REFUSALS]; /* of the last ones, the latest first; a time_t */
	struct happening last;
};

struct recents {
	struct recent items[RECENT_MAX]; /* one too many takes the oldest one's place */
	size_t count;
};

/* `what` stands for `count` of its kind. */
void recents_add(struct recents *recents, enum recent_kind kind, const char *who,
		 const struct happening *what, double count);
/* It is over: a later refusal counts from nothing. */
void recents_forget(struct recents *recents, enum recent_kind kind, const char *who);
/* Whether it happened often enough, and lately. */
bool recent_holds(const struct recent *recent, int64_t now);
