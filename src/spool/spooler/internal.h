/*
 * The spooler's files:
 *
 *   spooler.c       the process: its loop, what the supervisor says
 *   store.c         the folder and the index together: objects come, change, and go
 *   describe.c      what of it operators may know
 *   writers.c       the associations' channels
 *   couriers.c      the couriers' channels: who has what, when a destination is probed
 *   accepted.c      what destinations are known to accept
 *   operators.c     what operators ask for
 *   index.c         the index
 *   spool_folder.c  the folder
 *   telling.c       what the supervisor is told
 *   control.c       the supervisor's side of the channel
 */
#pragma once

#include <sys/queue.h>

#include "cathgate/spool/operator.h"
#include "cathgate/spool/spooler.h"
#include "spool_folder.h"
#include "index.h"
#include "spool/client/message.h"

/* One that was learnt, of a target. */
struct accepted_pair {
	bool is_accepted, is_certain; /* certain: it was asked for alone */
	char abstract_syntax[65], transfer_syntax[65];
};

struct accepted {
	uint8_t target[SPOOL_SHORT_TAG];
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

/* An operator's tool. */
struct asker {
	int channel;
	uint32_t record; /* that its change waits for; 0: it waits for none */
	enum spool_operation operation;
	uint64_t object;
	LIST_ENTRY(asker) others;
};

struct spooler {
	int control;
	const struct config *config;
	struct spool_folder folder;
	struct spool_names_key keys[SPOOL_KEYS_MAX]; /* the one in force first */
	size_t key_count;
	struct spool_index index;
	LIST_HEAD(, writer) writers;
	LIST_HEAD(, worker) workers;
	int listener; /* for operators; -1 */
	int auditor;  /* a channel for records of what they do; -1 */
	LIST_HEAD(, asker) operators;
	STAILQ_HEAD(, accepted) accepted;
	int64_t expire_ms; /* when delivered ones are looked through next */
	bool owes;	   /* names that the disk has refused ... */
	int64_t pay_ms;	   /* ... and are tried again then */
	int64_t tell_ms;   /* when figures may be told again */
	bool was_full;
};

/* store.c. Reads the folder. 0; or -1, logged. */
MUST_USE int store_load(struct spooler *spooler);
/* Whether no object is to be taken now. */
bool store_is_full(struct spooler *spooler);
/* A new object, which is not committed yet: links the file. */
MUST_USE enum spool_verdict store_add(struct spooler *spooler,
				      const struct writer *writer,
				      const struct spool_asked *asked,
				      struct object **ret);
/* Its sender says that it is durable, and stays. */
void store_commit(struct spooler *spooler, struct object *object);
/* Takes back what was added. */
void store_abandon(struct spooler *spooler, struct object *object);
/* Another state, on the disk, too. What fails is logged, and the state stays. */
void store_move(struct spooler *spooler, struct object *object, enum spool_state state);
/* Delivered. The object may be gone then. */
void store_done(struct spooler *spooler, struct object *object);
/* -1 with errno. */
MUST_USE int store_read(const struct spooler *spooler, const struct object *object);
/* Its file is gone, or is another's. */
void store_forget(struct spooler *spooler, struct object *object);
/* The tag of a name, for a purpose, by that key. 0 or -1. */
MUST_USE int store_tag(const struct spooler *spooler, size_t key, const char *purpose,
		       const char *name, uint8_t ret[SPOOL_SHORT_TAG]);

/* describe.c. What a tool may know of it. */
void store_describe(const struct spooler *spooler, const struct object *object,
		    struct spool_item *ret);
/* Whether it has come by that entry, and is of that study and SOP instance ("": any). */
bool store_is_of(const struct spooler *spooler, const struct object *object,
		 const char *modality, const char *study, const char *sop_instance);
/* Forgets what was delivered long ago, and tries again what the disk has refused. */
void store_expire(struct spooler *spooler);
/* When that wants to be called again (clock_ms()); 0: some time. */
int64_t store_wait_ms(const struct spooler *spooler);

/* writers.c */
void writers_add(struct spooler *spooler, int channel, const struct spool_opened *opened);
/* The channel has something, or has ended; the writer may go. */
void writer_hear(struct spooler *spooler, struct writer *writer);
void writers_clear(struct spooler *spooler);

/* couriers.c */
void workers_add(struct spooler *spooler, int channel, const struct spool_opened *opened);
void worker_hear(struct spooler *spooler, struct worker *worker);
/* Gives work to those that wait, has others started, tells figures. Returns when it wants
 * to be called again (clock_ms()). */
int64_t workers_maintain(struct spooler *spooler);
void workers_clear(struct spooler *spooler);

/* operators.c. The socket, before the sandbox; -1, logged. */
int operators_listen(const char *directory);
void operators_accept(struct spooler *spooler);
void operator_hear(struct spooler *spooler, struct asker *asker);
void operators_hear_auditor(struct spooler *spooler);
void operators_clear(struct spooler *spooler);

/* accepted.c */
void accepted_load(struct spooler *spooler);
void accepted_learn(struct spooler *spooler, const struct target *target,
		    const struct spool_asked *asked, bool is_certain);
/* A memory file with what is known; -1 where nothing is. */
int accepted_file(const struct spooler *spooler, const struct target *target);
void accepted_clear(struct spooler *spooler);

/* telling.c */
void spooler_alert(const struct spooler *spooler, enum reason reason, const char *format,
		   ...) __attribute__((format(printf, 3, 4)));
void spooler_tell(const struct spooler *spooler, const struct spooler_word *word);
/* Whether nobody has the channel's other end any more. */
bool has_hung_up(int channel);
