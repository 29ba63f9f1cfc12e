/*
 * What the spooler knows of all objects, in memory: which wait for which destination, in
 * which order, and which it has seen before. It is made of the files' names (name.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/queue.h>

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/spool/name.h"

struct worker; /* a courier's process, as the spooler knows it */

struct object {
	struct spool_name name;
	bool is_committed; /* before, no courier may have it */
	bool is_proven;	   /* it was durable once: it isn't torn */
	bool is_in_hand;   /* a courier has it */
	bool is_to_bury;   /* a courier is to record it as dead, and not to send it */
	bool is_claimed;   /* an operator's change of it waits for its record */
	bool is_owed;	   /* its file is to get the name of `owed`, or is ... */
	bool is_gone;	   /* ... not there any more: it is to be forgotten */
	enum spool_state owed;
	uint8_t losses;	  /* how often the destination broke off within it */
	uint32_t lost_at; /* the target's `done` then, at the last time */
	uint8_t delays;	  /* how often the destination said that it can't take it now */
	uint8_t returns;  /* how often in a row the gateway itself couldn't try it */
	uint8_t locked;	  /* which key it waits for (locked.c); 0: none that is known */
	int64_t again_ms; /* it waits alone until then (clock_ms()); 0: it doesn't */
	int64_t born_ms;  /* its age counts from here by the clock that nobody sets */
	struct study *study;	    /* while it is queued */
	TAILQ_ENTRY(object) others; /* of the study */
	struct object *next_content, *next_instance, *next_sequence; /* of one bucket */
};

/* The queued objects of one study, in their order. */
struct study {
	uint8_t tag[SPOOL_SHORT_TAG];
	struct target *target;
	TAILQ_HEAD(object_list, object) objects;
	uint64_t first;	       /* no object of it has had a smaller sequence */
	struct worker *holder; /* the courier that is at it; NULL */
	TAILQ_ENTRY(study) others;
	struct study *next; /* of one bucket */
};

/* How many of an entry's objects are queued for a target. */
struct backlog {
	uint8_t modality[SPOOL_SHORT_TAG];
	uint64_t count;
};

/* A destination, or what is left of one that the configuration doesn't name any more. */
struct target {
	uint8_t tag[SPOOL_SHORT_TAG];
	const struct config_destination *config; /* NULL: it is gone */
	TAILQ_HEAD(study_list, study) studies;	 /* by `first` */
	struct backlog *backlogs;
	size_t backlog_count;
	uint64_t queued, bytes, held, dead;

	/* How it is served (couriers.c). */
	bool is_reached;   /* it was, and has failed nothing since */
	unsigned failures; /* in a row */
	int64_t again_ms;  /* it is left alone until then */
	int64_t asked_ms;  /* when a courier was asked for last */
	unsigned asked;	   /* couriers that were asked for, and have not come yet */
	unsigned workers;
	int64_t delivered_us;	   /* UTC: when the last object was; 0 */
	uint64_t done, done_bytes; /* delivered since the start */
	bool was_told_late;	   /* an alert tells that it has been away for long */
	bool has_changed;	   /* its figures have, since they were told */
	STAILQ_ENTRY(target) others;
};

struct buckets {
	struct object **heads;
	size_t mask; /* their number, less 1 */
};

/* By a tag's first bytes, which are as good as chance. */
static inline size_t index_bucket(const struct buckets *buckets, const uint8_t *tag)
{
	uint64_t number;

	memcpy(&number, tag, sizeof(number));
	return number & buckets->mask;
}

struct spool_index {
	STAILQ_HEAD(, target) targets;
	struct buckets contents, instances, sequences;
	struct study **studies; /* buckets, as many as the others have */
	size_t count;		/* objects, those that were delivered among them */
	uint64_t all_bytes; /* of what isn't delivered, with what a file has besides */
	uint64_t last;	    /* sequence */
};

/* What a file takes on the disk, but for its command set; 0 once it is delivered. */
uint64_t index_weight(const struct spool_name *name);

void index_init(struct spool_index *index);
void index_clear(struct spool_index *index);

/* The target of that tag; made where there is none. NULL without memory. */
MUST_USE struct target *index_target(struct spool_index *index,
				     const uint8_t tag[SPOOL_SHORT_TAG]);

/* A new object, with its place in its queue by its sequence; NULL without memory. */
MUST_USE struct object *index_add(struct spool_index *index,
				  const struct spool_name *name);
/* Another state: leaves the queue, or enters it. The tags in `now` are the object's. 0,
 * or -1 without memory. */
MUST_USE int index_move(struct spool_index *index, struct object *object,
			const struct spool_name *now);
void index_remove(struct spool_index *index, struct object *object);

/* A number that no object has had. */
uint64_t index_next_sequence(const struct spool_index *index);

/* An object of the same bytes that is proven, and isn't dead; NULL. */
MUST_USE struct object *index_same(const struct spool_index *index,
				   const uint8_t content[SPOOL_LONG_TAG]);
/* The same SOP instance with other bytes, not dead. */
bool index_conflicts(const struct spool_index *index,
		     const uint8_t instance[SPOOL_SHORT_TAG],
		     const uint8_t content[SPOOL_LONG_TAG]);
MUST_USE struct object *index_find(const struct spool_index *index, uint64_t sequence);

uint64_t index_backlog(const struct target *target,
		       const uint8_t modality[SPOOL_SHORT_TAG]);

/* What the worker is to have next: the oldest object of a study that nobody else is at.
 * Those that wait alone come when it is their time, and behind them what has their SOP
 * instance. NULL: nothing now; *ret_again_ms is when to look again, 0 for when something
 * comes. */
MUST_USE struct object *index_next(const struct spool_index *index,
				   const struct target *target,
				   const struct worker *worker, int64_t now_ms,
				   int64_t *ret_again_ms);
/* How many couriers could be at work now; counts no further than `most`. */
unsigned index_ways(const struct spool_index *index, const struct target *target,
		    int64_t now_ms, unsigned most);

/* Calls for each object until that returns false. */
void index_each(const struct spool_index *index,
		bool (*see)(void *context, struct object *object), void *context);
