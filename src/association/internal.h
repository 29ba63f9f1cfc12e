/*
 * The inside of an association's process. The way of one C-STORE through the files:
 *
 *   association.c     the life: admit, negotiate, serve message by message, end
 *   admission.c       TLS, A-ASSOCIATE-RQ, policy, a place from the supervisor
 *   negotiation.c     which contexts are proposed to the destination, what is answered
 *   waiting.c         waiting for both sides: the supervisor is heard; the pace
 *   services.c        requests are read, find their service and are answered; C-ECHO
 *   store.c           C-STORE: judged, to the sink (outbound/sink.h), response
 *   entry_in_force.c  the entry of the allowlist, and what a reload changes
 *   sinks.c           where instances go: spool_sink.c into the spool, fallback_sink.c
 *                     there if the destination doesn't take them
 *   known.c           what a destination is known to accept
 *   report.c          what the auditor is told
 *   supervision.c     notices from and to the supervisor
 *
 * and beside it ending.c, how an association ends.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cathgate/association/association.h"
#include "cathgate/base/digest.h"
#include "cathgate/outbound/outbound.h"
#include "known.h"
#include "ending.h"
#include "entry_in_force.h"
#include "report.h"
#include "spool_sink.h"
#include "supervision.h"
#include "waiting.h"

/* The instance in hand, beside its record (report.instance). */
struct instance {
	bool is_passed_on; /* the sink is to have what comes */
	bool is_answered;  /* association->response holds the sink's answer */
	bool has_gone_out; /* the last fragment did */
	bool is_kept;	   /* by the gateway, which answers for it */
	/* Why the modality was seen to leave before the sink was ready; REASON_NONE. */
	enum reason left;
	uint16_t status;   /* ours, when the sink's isn't passed on */
	size_t why_length; /* of the record's detail that says why; notes stand behind */
	int64_t last_sent_us; /* when the last fragment had gone out */
	int64_t drain_end_ms; /* an object over the limit is read no longer than that */
};

/* A data set whose request was answered without it: dropped as it comes. */
struct stray {
	uint8_t context; /* 0: there is none */
	int64_t bytes;	 /* so much of it has come */
};

struct association {
	const struct association_start *start;
	const struct config *config;
	struct supervision supervision;
	struct report report;

	bool is_authenticated; /* `peer` is filled */
	struct tls_peer peer;
	struct ul_requestor requestor;
	struct entry_in_force entry;
	struct pace pace;
	struct leg in; /* the modality's */

	const struct config_destination *destination; /* that it was admitted for */
	bool propose[UL_CONTEXT_IDS]; /* by context id: passed on to the destination */
	struct outbound out;	      /* set up once admitted, as is the next */
	struct spool_sink spool;
	struct fallback_sink fallback;
	struct sink sink; /* instances go there: one of these, or the destination's */

	bool is_cut_off; /* its contexts were answered without the destination */
	struct known known;

	bool established;      /* the A-ASSOCIATE-AC went out */
	bool instance_in_hand; /* it has grace_seconds to end when told to stop */
	bool may_hang_up;      /* the modality has its last PDU, or is about to have it */
	bool is_ending;	       /* only its last PDU is still to arrive */
	struct ending ending;  /* why and how; filled by a function that returns -1 */

	struct command_message request, response;
	int64_t request_began_us; /* when its first byte was there, or its turn came */
	struct stray stray;
	struct digest *digest;
	uint8_t sha256[DIGEST_SIZE]; /* of the data set in hand, once it is whole */
	struct instance instance;
	unsigned in_vain; /* instances that came so since one was stored */
};

/* admission.c, negotiation.c: 0, or -1 with association->ending. */
MUST_USE int admission_run(struct association *association);
MUST_USE int negotiation_run(struct association *association);
