/*
 * What crosses the sockets between the spooler and the other processes. Both ends are one
 * program, executed from one file, so plain structs do. But the process at a channel's
 * far end talks to the network: the spooler takes nothing from it on trust.
 */
#pragma once

#include "cathgate/spool/client.h"
#include "cathgate/spool/spooler.h"
#include "cathgate/spool/work.h"

enum spool_message {
	/* an association asks; the first four are answered */
	SPOOL_ASKS_STATE = 1,
	SPOOL_ASKS_ACCEPTED, /* a courier, too */
	SPOOL_ASKS_FILE,
	SPOOL_LINKS,
	SPOOL_SYNCS,
	SPOOL_COMMITS,
	SPOOL_ABANDONS,
	SPOOL_HAS_LEARNT, /* a courier, too: `accepted` */
	/* a courier */
	SPOOL_WANTS_WORK,
	SPOOL_HAS_RESULT,
	/* the spooler */
	SPOOL_ANSWERS, /* with a descriptor, where it has one to give */
	SPOOL_GIVES_OBJECT,
	SPOOL_GIVES_REST,
	/* the supervisor, on the control channel; each brings a channel */
	SPOOL_OPENS_ASSOCIATION,
	SPOOL_OPENS_COURIER,
	SPOOL_BRINGS_KEEPER,
	SPOOL_BRINGS_AUDITOR
};

struct spool_asked {
	uint32_t kind;
	uint32_t result; /* enum spool_result */
	uint32_t accepted;
	uint64_t object, data_size;
	uint8_t sha256[DIGEST_SIZE], header[DIGEST_SIZE];
	char sop_instance[65], study[65];
	char abstract_syntax[65], transfer_syntax[65];
	char zero[4]; /* in the place of padding */
};

struct spool_said {
	uint32_t kind;
	uint32_t verdict; /* enum spool_verdict */
	uint64_t object;
	int32_t error; /* an errno, of SPOOL_CANNOT */
	uint32_t is_full, has_backlog, must_sync, is_last_try, is_overdue, is_to_bury,
		is_unconfirmed;
	uint8_t header[SPOOL_LONG_TAG];
	char zero[4];
};

struct spool_opened {
	uint32_t kind;
	char id[AUDIT_ASSOCIATION_ID_SIZE];
	char modality[64], destination[64];
	char zero[3];
};
