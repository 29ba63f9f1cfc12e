/*
 * A folder that comes to be whole or not at all: everything is made in a hidden folder
 * beside it (within it, when it holds something already), and renamed at the end.
 *
 * Others may be able to write in the folder that holds it: all is done by descriptors,
 * and nothing but what was made here is removed.
 *
 * Between staging_open and the end, signals that ask the tool to end wait: what they find
 * is either nothing or all. One that was killed hard leaves its hidden folder, mode 0700
 * or 0750. The next run for the same place removes it where nobody else could have put it
 * there, and names it elsewhere.
 */
#ifndef STAGING_H
#define STAGING_H

#include <signal.h>
#include <stdbool.h>

#include "cathgate/base/durable.h"

struct staging {
	const char *path;   /* of the hidden folder, for others and for messages */
	const char *target; /* what it is to become */
	bool within;
	bool replaces_last; /* set it when what staging_commit calls `last` may be
			       overwritten */
	int parent;	    /* the folder that holds the hidden one */
	int folder;	    /* the hidden one, locked; -1 when there is none (any more) */
	const char *name;   /* of it in `parent` */
	sigset_t signals;   /* as they were */
};

/* 0, or -1 with a message. `target`'s parent must exist. */
int staging_open(struct staging *staging, const char *target,
		 const struct durable_owner *owner);

/* A new file in the hidden folder. 0, or -1 with a message. */
int staging_write(const struct staging *staging, const char *name, const void *bytes,
		  size_t size, const struct durable_owner *owner);

/* Puts all of it in its place, `last` (a file at its top; NULL: none) at the very end.
 * What is there already stays: a file with the same bytes, and folders, are no obstacle;
 * anything else is named and nothing is done. 0, or -1 with a message. */
int staging_commit(struct staging *staging, const char *last);

/* Whether somebody wants the tool to end. */
bool staging_interrupted(void);

/* Removes the hidden folder, if it is still there, and lets signals through. */
void staging_close(struct staging *staging);

#endif
