/*
 * A folder that comes to be whole or not at all: everything is made in a hidden folder
 * beside it (within it, when it holds something already), and renamed at the end.
 *
 * Other users may be able to write in the folder that holds it. So all is done by
 * descriptors, and only what was made here is removed.
 *
 * From staging_open to staging_close, signals that ask the tool to end wait, so that they
 * leave either nothing or all. A tool that was killed leaves its hidden folder, mode 0700
 * or 0750. The next run for the same place removes it where nobody else could have put it
 * there; elsewhere it only names it.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "cathgate/base/durable.h"
#include "cathgate/base/must_use.h"

struct staging {
	const char *path;   /* of the hidden folder, for others and for messages */
	const char *target; /* what it is to become */
	bool within;	    /* the hidden folder is in the target, not beside it */
	bool replaces_last; /* set it where `last` (staging_commit) may be overwritten */
	int parent;	    /* the folder that holds the hidden one */
	int folder;	    /* the hidden one, locked; -1 when there is none (any more) */
	const char *name;   /* of it in `parent` */
	sigset_t signals;   /* as they were */
};

/* 0, or -1 with a message. `target`'s parent must exist. */
MUST_USE int staging_open(struct staging *staging, const char *target,
			  const struct durable_owner *owner);

/* A new file in the hidden folder. 0, or -1 with a message. */
MUST_USE int staging_write(const struct staging *staging, const char *name,
			   const void *bytes, size_t size,
			   const struct durable_owner *owner);

/* The same for what is written piece by piece, mode 0600. NULL with a message. */
MUST_USE FILE *staging_create(const struct staging *staging, const char *name);
/* Ends that: closes it, when all of it is on disk. 0, or -1 with a message. */
MUST_USE int staging_finish(const struct staging *staging, const char *name, FILE *file);

/* Puts all of it in its place, `last` (a file at its top; NULL: none) at the very end.
 * Folders that are there already, and files with the same bytes, are no obstacle; for
 * anything else there is a message, and nothing is done. 0, or -1 with a message. */
MUST_USE int staging_commit(struct staging *staging, const char *last);

/* SIGINT, SIGTERM and SIGHUP wait, so that they leave nothing half done. */
void staging_hold_signals(sigset_t *ret_before);
/* Whether one of them has asked the tool to end. */
bool staging_interrupted(void);

/* Removes the hidden folder, if it is still there, and lets signals through. */
void staging_close(struct staging *staging);
