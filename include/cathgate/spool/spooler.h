/*
 * The spooler: the one process that owns the spool's folder. It gives files to
 * associations, names what they have sealed, hands objects to couriers, and removes what
 * was delivered. It has no key of an object; its names key comes from the spool keeper.
 *
 * Promises: an object that was committed stays until a courier has delivered it, or an
 * operator has dropped it. Objects of one study go in the order in which they came, by
 * one courier. All of its index is in the files' names, so a spooler that is killed loses
 * nothing. A destination that is away is probed with one object, ever more rarely.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cathgate/audit/record.h"
#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/sandbox/sandbox.h"

/* The process: returns its exit status. */
MUST_USE int spooler_run(int control, const struct config *config,
			 const struct sandbox_program *sandbox);

/*
 * The supervisor's side. None of these waits.
 */

/* A channel for an association (spool/client.h): the other end, or -1 with errno. */
MUST_USE int spooler_open_association(int control, const char *id, const char *modality,
				      const char *destination);
/* For a courier (spool/work.h). */
MUST_USE int spooler_open_courier(int control, const char *destination);
/* Brings it a channel to the spool keeper, by which it gets its names key; and one to the
 * auditor. 0, or -1 with errno. */
MUST_USE int spooler_bring_keeper(int control, int channel);
MUST_USE int spooler_bring_auditor(int control, int channel);

struct spooler_figures {
	/* "": of all objects whose destination the configuration doesn't name any more */
	char destination[64];
	uint64_t objects, bytes; /* that are queued */
	uint64_t held, dead;
	int64_t oldest;	   /* a time_t; 0: none is queued */
	int64_t delivered; /* a time_t: when the last one was; 0: none since the start */
	int64_t again;	   /* likewise: when it is probed next; 0: it is served */
	uint64_t done, done_bytes; /* delivered since the spooler's start */
	uint32_t couriers;	   /* at work */
	/* Of the spool, for all destinations: bytes in it, and free on its disk
	 * (UINT64_MAX: not known). */
	bool is_full;
	uint64_t used, room;
	uint32_t strangers; /* files in its folder that no key names */
};

enum spooler_word_kind {
	SPOOLER_NOTHING, /* now */
	SPOOLER_READY,
	SPOOLER_WANTS_COURIER, /* `destination`: one more is to be started */
	SPOOLER_ALERTS,	       /* `reason`, `text` */
	SPOOLER_FIGURES,       /* one of them, each second where something changed */
	SPOOLER_GONE
};

struct spooler_word {
	enum spooler_word_kind kind;
	char destination[64];
	enum reason reason;
	char text[256];
	struct spooler_figures figures;
};

void spooler_hear(int control, struct spooler_word *ret);
