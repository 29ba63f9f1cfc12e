/*
 * The spooler's files:
 *
 *   spooler.c    the process: its loop, what the supervisor says
 *   loading.c    the folder is read at the start
 *   store.c      the folder and the index together: objects come, change, and go
 *   tombstones.c those that were delivered
 *   room.c       whether there is room for more
 *   writers.c    the associations' channels
 *   couriers.c   the couriers' channels: who has what, when a destination is probed
 *   results.c    what came of an object that a courier had
 *   locked.c     keys that are away
 *   accepted.c   what destinations are known to accept
 *   operators.c  what operators ask for
 *   listing.c    which objects they mean
 *   names.c      names of modalities and destinations, by their tags
 *   index.c      the index
 *   index_turns.c  which object is next
 *   spool_folder.c  the folder
 *   telling.c    what the supervisor is told
 *   control.c    the supervisor's side of the channel
 */
#pragma once

#include <sys/queue.h>

#include "cathgate/spool/key.h"
#include "cathgate/spool/operator.h"
#include "cathgate/spool/spooler.h"
#include "spool_folder.h"
#include "index.h"
#include "spool/client/message.h"

/* Whether a text that came over a channel ends within its member. */
#define ENDS(text) (memchr(text, 0, sizeof(text)) != NULL)

/* One that was learnt, of a target. */
struct accepted_pair {
	bool is_accepted;
	int64_t learnt_us; /* UTC */
	char abstract_syntax[65], transfer_syntax[65];
};

struct accepted {
	uint8_t target[SPOOL_SHORT_TAG], entry[SPOOL_SHORT_TAG];
	bool has_entry;	 /* its associations say so; else the target's couriers do */
	bool is_unsaved; /* the file doesn't say it yet */
	struct accepted_pair *pairs;
	size_t count;
	STAILQ_ENTRY(accepted) others;
};

/* An association's channel. */
struct writer {
	int channel;
	struct target *target;
	char modality[64], destination[64];
	uint8_t modality_tag[SPOOL_SHORT_TAG];
	int file;	       /* that it has, without a name; -1 */
	struct object *linked; /* not committed yet; NULL */
	unsigned lessons;      /* what its destination accepts, that it has told of */
	LIST_ENTRY(writer) others;
};

/* A courier's. */
struct worker {
	int channel;
	struct target *target;
	struct object *object; /* in hand; NULL */
	struct study *study;   /* that it is at, while it has an object; NULL */
	bool is_overdue;       /* the object: if it fails now, it is given up ... */
	bool is_last_try;      /* ... and if it is lost, it is dead */
	int64_t asking_ms;     /* since when it waits for an object; 0: it doesn't */
	LIST_ENTRY(worker) others;
};

/* Tags are HMACs: what they are of is known by making them of each name that is known. */
struct known_name {
	uint8_t tag[SPOOL_SHORT_TAG]; /* by the key in force */
	char text[64];
};

struct known_names {
	struct known_name *items;
	size_t count;
};

/* An operator's tool. */
struct asker {
	int channel;	 /* -1: it has left, and its change is still to be done */
	uint32_t record; /* that its change waits for; 0: it waits for none */
	enum spool_operation operation;
	uint64_t object;
	LIST_ENTRY(asker) others;
};

#define LOCKED_KEYS_MAX 16

/* A key that objects need, and that is away. */
struct locked_key {
	uint8_t id[SPOOL_KEY_ID_SIZE];
	int64_t again_ms; /* until then no object is tried that needs it */
};

/* An object whose file has its name by an earlier key still: the disk refused another. */
struct misnamed {
	uint64_t sequence;
	char text[SPOOL_NAME_SIZE];
};

struct spooler {
	int control;
	const struct config *config;
	struct spool_folder folder;
	struct spool_names_key keys[SPOOL_KEYS_MAX]; /* the one in force first */
	size_t key_count;
	struct spool_index index;
	struct misnamed *misnamed;
	size_t misnamed_count;
	struct known_names destinations, modalities;
	LIST_HEAD(, writer) writers;
	LIST_HEAD(, worker) workers;
	int listener; /* for operators; -1 */
	int auditor;  /* a channel for records of what they do; -1 */
	LIST_HEAD(, asker) operators;
	STAILQ_HEAD(, accepted) accepted;
	int64_t save_ms;    /* when their files are written; 0: they say all */
	int64_t leave_ms;   /* it was told to end: by then it does; 0: it wasn't */
	int64_t expire_ms;  /* when delivered ones are looked through next */
	bool owes;	    /* names that the disk has refused ... */
	int64_t pay_ms;	    /* ... and are tried again then */
	bool is_owing_told; /* an alert tells of them */
	int64_t tell_ms;    /* when figures may be told again */
	int64_t retell_ms;  /* when all are told again, since the disk may have changed */
	struct locked_key locked[LOCKED_KEYS_MAX];
	size_t locked_count;
	bool was_full;
	uint32_t strangers; /* files in the folder that no key names, when it was read */
	bool is_full_told;  /* an alert tells of it ... */
	int64_t tell_full_ms; /* ... and the next may come then */
	/* Alerts of single objects that can't be read: how many there were, since when.
	 */
	unsigned unread_alerts;
	int64_t unread_since_ms;
};

/* loading.c. Reads the folder. 0; or -1, logged. */
MUST_USE int loading_read(struct spooler *spooler);

/* store.c */
void store_clear(struct spooler *spooler);
/* The file's name by the key in force. Equal names are equal texts, so none is kept in
 * memory. 0; or -1 with errno. */
MUST_USE int store_text_of(const struct spooler *spooler, const struct spool_name *name,
			   char ret[SPOOL_NAME_SIZE]);
/* The object of that name has this one on the disk still. 0, or -1 without memory. */
MUST_USE int store_note_misnamed(struct spooler *spooler, const char *text,
				 const struct spool_name *name);
/* The supervisor is to have all figures anew. */
void store_tell_all(struct spooler *spooler);
/* For how long it has waited, or was remembered. A clock that leaps ahead makes nothing
 * older, as long as the spooler runs. */
int64_t store_age_seconds(const struct object *object);
/* A new object, which is not committed yet: links the file. */
MUST_USE enum spool_verdict store_add(struct spooler *spooler,
				      const struct writer *writer,
				      const struct spool_asked *asked,
				      struct object **ret);
/* Its sender says that it is durable, and stays. */
void store_commit(struct spooler *spooler, struct object *object);
/* Takes back what was added. */
void store_abandon(struct spooler *spooler, struct object *object);
/* Another state, on the disk, too. What fails is logged, and tried again; the state stays
 * meanwhile. An object whose file is gone is forgotten soon, not at once. */
void store_move(struct spooler *spooler, struct object *object, enum spool_state state);
/* Delivered. The object may be gone then. */
void store_done(struct spooler *spooler, struct object *object);
/* -1 with errno. */
MUST_USE int store_read(const struct spooler *spooler, const struct object *object);
/* Its file is gone, or is another's. */
void store_forget(struct spooler *spooler, struct object *object);
/* Forgets what was delivered long ago, or first of too many, and tries again what the
 * disk has refused. */
void store_expire(struct spooler *spooler);
/* When that wants to be called again (clock_ms()); 0: some time. */
int64_t store_wait_ms(const struct spooler *spooler);

/* tombstones.c. So many delivered objects are remembered at most. */
#define TOMBSTONES_MAX 1000000

/* The sequence of the first that stays when `most` do; 0: all stay. */
uint64_t tombstones_first(const struct spool_index *index, size_t most);

/* room.c. Whether no object is to be taken now. */
bool room_is_lacking(struct spooler *spooler);

/* writers.c */
void writers_add(struct spooler *spooler, int channel, const struct spool_opened *opened);
/* The channel has something, or has ended; the writer may go. */
void writer_hear(struct spooler *spooler, struct writer *writer);
void writer_end(const struct spooler *spooler, struct writer *writer);
void writers_clear(struct spooler *spooler);

/* results.c */
#define LOSSES_MAX 3 /* so often an object may end its destination's association */

/* The courier has none in hand any more. */
void result_put_down(struct worker *worker);
/* The destination is not tried for a while, ever longer. */
void result_leave_alone(const struct spooler *spooler, struct target *target);
/* Whether an object is to blame that is lost, and not the destination: others got through
 * since it was lost last, or there is none that could. */
bool result_is_to_blame(const struct target *target, const struct object *object);
/* Whether it is given up if it fails now. */
bool result_is_overdue(const struct spooler *spooler, const struct object *object);
/* The gateway itself couldn't try the object (`why`, for an alert): this one waits, ever
 * longer, and others go on. It is never given up. */
void result_return(struct spooler *spooler, struct target *target, struct object *object,
		   const char *why);
/* The object in the courier's hand is dead, since couriers end within it. */
void result_bury(struct spooler *spooler, struct worker *worker);
/* Of the object that the courier has in hand. */
void result_take(struct spooler *spooler, struct worker *worker,
		 enum spool_result result);

/* locked.c. No key opened the object: it waits, and with it all that need the same key.
 */
void locked_note(struct spooler *spooler, struct object *object);
/* Whether the object waits for a key now; then it has the time until which. The file is
 * the object's, open for reading; -1: it isn't open yet. */
bool locked_waits(const struct spooler *spooler, struct object *object, int file);

/* couriers.c */
void workers_add(struct spooler *spooler, int channel, const struct spool_opened *opened);
void worker_hear(struct spooler *spooler, struct worker *worker);
/* Gives work to those that wait, has others started, tells figures. Returns when it wants
 * to be called again (clock_ms()). */
int64_t workers_maintain(struct spooler *spooler);
void worker_end(struct spooler *spooler, struct worker *worker);
void workers_clear(struct spooler *spooler);

/* operators.c. The socket, before the sandbox; -1, logged. */
int operators_listen(const char *directory);
void operators_accept(struct spooler *spooler);
void operator_hear(struct spooler *spooler, struct asker *asker);
void operators_hear_auditor(struct spooler *spooler);
/* Whether a change waits for its record. */
MUST_USE bool operators_wait(const struct spooler *spooler);
void operators_clear(struct spooler *spooler);

/* listing.c. What a tool may know of an object. */
void listing_describe(const struct spooler *spooler, const struct object *object,
		      struct spool_item *ret);
/* Those that fit, oldest first, in a memory file; -1 with errno. */
MUST_USE int listing_make(struct spooler *spooler, const struct spool_filter *filter,
			  uint32_t *ret_count);

/* names.c. The tag of one name, by the key of that number. 0 or -1. */
MUST_USE int names_tag(const struct spooler *spooler, size_t key, const char *purpose,
		       const char *name, uint8_t ret[SPOOL_SHORT_TAG]);
/* Does nothing where the name is known, or without memory. */
void names_add(struct spooler *spooler, struct known_names *names, const char *purpose,
	       const char *text);
/* "" where no such name is known. */
const char *names_find(const struct known_names *names,
		       const uint8_t tag[SPOOL_SHORT_TAG]);
void names_clear(struct known_names *names);

/* accepted.c. `entry` is the tag of the entry whose association it is; NULL: a courier.
 */
void accepted_learn(struct spooler *spooler, const struct target *target,
		    const uint8_t *entry, const struct spool_asked *asked);
/* A memory file with what is known, but for refusals that hold no longer; -1 where
 * nothing is. */
MUST_USE int accepted_file(struct spooler *spooler, const struct target *target,
			   const uint8_t *entry);
/* Writes what was learnt. Returns when it wants to be called again (clock_ms()); 0: there
 * is no need. */
int64_t accepted_maintain(struct spooler *spooler);
/* After writing what was learnt. */
void accepted_clear(struct spooler *spooler);

/* telling.c */
void spooler_alert(const struct spooler *spooler, enum reason reason, const char *format,
		   ...) __attribute__((format(printf, 3, 4)));
void spooler_tell(const struct spooler *spooler, const struct spooler_word *word);
/* Whether nobody has the channel's other end any more. */
bool has_hung_up(int channel);
