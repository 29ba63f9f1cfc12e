/*
 * Notices from and to the supervisor.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "cathgate/association/contact.h"
#include "cathgate/base/must_use.h"
#include "cathgate/outbound/outbound.h"

struct association;

struct supervision {
	struct contact contact;
	bool has_place; /* the supervisor counts it as one of its entry's */
	bool is_stopping;
	int64_t grace_until_ms; /* when stopping with an instance in hand */
	time_t shown_until;	/* of the destination's certificate: what was told last */
	struct association_pace fastest; /* that the modality may send ... */
	int64_t fastest_since_us;	 /* ... since then */
	struct association_figures figures, figures_told;
	int64_t figures_told_ms;
};

/* Takes the notices that have come. -1 when the supervisor is gone, which is taken for
 * an order to stop as well. */
int supervision_listen(struct association *association);
/* The peer has proved who it is: it is no longer one of the unauthenticated. */
void supervision_authenticated(struct association *association);
/* The destination's certificate is good until then. */
void supervision_saw_destination(struct association *association, time_t until);
/* Asks for a place and waits for the answer, 10 s at most: 0; or -1 and why, with the
 * reason of the A-ASSOCIATE-RJ. */
MUST_USE int supervision_ask_place(struct association *association,
				   enum reason *ret_reason,
				   uint8_t *ret_rejection_reason);
/* Asks for a connection to the destination: `dial` of struct outbound_setup. The
 * deadline is the leg's. */
MUST_USE int supervision_dial(void *association, struct leg *leg, size_t number,
			      struct outbound_call *ret);
/* Tells the supervisor what has been done so far, but not often. */
void supervision_tell_figures(struct association *association);
/* When that is due; 0: there is nothing to tell. */
int64_t supervision_figures_due_ms(const struct association *association);
/* Gives the place back, if it has one. To be called before the modality is told its last
 * PDU, because it may come back at once. */
void supervision_return_place(struct association *association);
/* Whether there is a channel to the spooler, or comes before that moment (clock_ms()). */
MUST_USE bool supervision_renew_spooler(struct association *association, int64_t end_ms);
/* The channel to the auditor is broken: waits for one to its successor, 10 s at most,
 * unless that has come already. 0 or -1. */
MUST_USE int supervision_renew_auditor(struct association *association);
