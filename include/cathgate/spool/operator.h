/*
 * What an operator's tool says to the spooler, over a socket in the spool's folder
 * (SOCK_SEQPACKET), which root and the service's user can reach. One request at a time;
 * each is answered.
 *
 * The spooler has no key of an object. So a tool that changes one reads the metadata
 * itself, with the private key, and says in its request what they say: the audit record
 * is made of that, and is durable before anything changes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"
#include "cathgate/spool/name.h"
#include "cathgate/spool/sealed.h"

#define SPOOL_SOCKET "socket" /* its name in the folder */

/* Which objects: those that fit all that is given. */
struct spool_filter {
	uint64_t object; /* 0: any */
	uint32_t states; /* a bit for each: 1 << SPOOL_QUEUED, ... */
	/* "": any. */
	char destination[SPOOL_DESTINATION_SIZE], modality[64];
	char study[65], sop_instance[65];
	int64_t after, before; /* when it came, a time_t; 0: any */
};

struct spool_item {
	uint64_t object;
	uint64_t bytes; /* of the data set */
	int64_t came;	/* a time_t */
	int64_t again;	/* likewise: it waits alone until then; 0: it doesn't */
	uint32_t state; /* enum spool_state */
	uint32_t is_in_hand, is_committed, losses, delays;
	/* "" where the configuration doesn't have them any more. */
	char destination[SPOOL_DESTINATION_SIZE], modality[64];
};

enum spool_operation {
	SPOOL_LISTS,  /* struct spool_item each, oldest first, in a sealed memory file */
	SPOOL_READS,  /* one object, open for reading alone */
	SPOOL_HOLDS,  /* it waits until it is queued again */
	SPOOL_QUEUES, /* it is tried at once, and its destination, too */
	SPOOL_DROPS,  /* it is removed */
	SPOOL_EXPORTED, /* the tool has written it into a file: a record, no more */
	SPOOL_OPERATIONS
};

struct spool_request {
	uint32_t operation;
	struct spool_filter filter; /* of SPOOL_LISTS; else `object` of it */
	uint32_t knows_metadata;
	struct spool_metadata metadata;
	char detail[128]; /* for the record: who asked for it, and what for */
};

/* errno for what can't be done: ENOENT there is no such object; EBUSY a courier has it;
 * EINVAL its state forbids it; EPERM; EAGAIN no auditor takes the record. */
struct spool_reply {
	int32_t error; /* an errno; 0: done */
	uint32_t count;
};

/* The socket, or -1 with errno: ECONNREFUSED or ENOENT when no spooler runs. */
MUST_USE int spool_operator_connect(const char *directory);
/* 0 with the reply's descriptor, or -1 in its place, which is the caller's; or -1 with
 * errno. Waits for 60 s at most. */
MUST_USE int spool_operator_ask(int socket, const struct spool_request *request,
				uint32_t *ret_count, int *ret_file);
