/*
 * Puts what is staged in the places where it belongs, and what was there aside, as
 * NAME.before-restore-DATE beside it. First the new ones move into the folders where they
 * belong, by names that nothing reads; then each changes places with the old one, which
 * is one step for the file system: a place has the old one or the new one, whole,
 * whenever the machine stops. A failure takes all steps back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cathgate/base/must_use.h"

#define PLACES_MAX 512

struct place {
	int from;	    /* the staged folder */
	const char *staged; /* the path in it */
	int to;		    /* the folder where it goes */
	const char *path;   /* the whole path there, for messages */
	const char *name;   /* the last step of it */
	bool has_new, has_old;
	int steps; /* that were taken */
};

struct places {
	struct place items[PLACES_MAX];
	size_t count;
	const char *aside; /* what is put behind the name of an old one */
};

/* Names what belongs at `path`. Nothing is planned where it is in neither place, or is
 * only there and may stay (`goes_when_absent` false). -1 with a message. */
MUST_USE int places_add(struct places *places, int from, const char *staged,
			const char *path, bool goes_when_absent);
/* Says what would be done. */
void places_print(const struct places *places);
/* Does it, or nothing, with a message. */
MUST_USE int places_commit(struct places *places);
void places_close(struct places *places);
