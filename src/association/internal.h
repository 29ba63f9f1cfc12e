/*
 * The inside of an association's process. The way of one C-STORE through the files:
 *
 *   association.c     the life: admit, negotiate, serve message by message, end
 *   admission.c       TLS, A-ASSOCIATE-RQ, policy, a place from the supervisor
 *   negotiation.c     which contexts are proposed to the destination, what is answered
 *   waiting.c         all waiting: the supervisor is heard, the modality watched
 *   pace.c            the slowest and the fastest that a modality may send
 *   messages.c        requests are read, responses written
 *   services.c        which service a message belongs to
 *   store.c           C-STORE: to the sink (outbound/sink.h), response, record
 *   instance.c        the instance's record, its judgement, the head of its data set
 *   entry_in_force.c  the entry of the allowlist, and what a reload changes
 *   report.c          what the auditor is told
 *   supervision.c     notices from and to the supervisor
 *
 * and beside it: echo.c, C-ECHO; ending.c, how an association ends that isn't released.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cathgate/association/association.h"
#include "cathgate/base/digest.h"
#include "cathgate/outbound/outbound.h"
#include "entry_in_force.h"
#include "messages.h"
#include "pace.h"
#include "report.h"
#include "supervision.h"
#include "waiting.h"

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
	struct sink sink;	      /* instances go there */

	bool established;      /* the A-ASSOCIATE-AC went out */
	bool instance_in_hand; /* a stop leaves it some time */
	bool parting;	       /* the modality has its A-RELEASE-RP: it may go */
	bool is_ending;	       /* only its last PDU is still to arrive */

	struct message request, response;
	int64_t request_began_us; /* when its first byte was there */
	struct stray stray;
	struct digest *digest;
	unsigned in_vain; /* instances so since one was stored */
};

/* admission.c, negotiation.c: 0, or -1 with the ending. */
MUST_USE int admission_run(struct association *association, struct ending *ending);
MUST_USE int negotiation_run(struct association *association, struct ending *ending);
