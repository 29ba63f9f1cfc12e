/*
 * The courier's files:
 *
 *   courier.c    the life: asks for an object, delivers it, until there is nothing to do
 *   listening.c  what the supervisor says meanwhile
 *   delivery.c   one object: opened, sent, its answer judged, its record
 *   cargo.c     the object's bytes, as they are unsealed
 *   reach.c      the association to the destination
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cathgate/association/contact.h"
#include "cathgate/audit/client.h"
#include "cathgate/courier/courier.h"
#include "cathgate/outbound/outbound.h"
#include "cathgate/spool/sealed.h"
#include "cathgate/spool/work.h"

/* An object that is being delivered. */
struct cargo {
	struct spool_opener *opener;
	struct spool_metadata metadata;
	const uint8_t *bytes; /* of the segment in hand, those that weren't given yet */
	size_t size;
	bool is_last; /* that segment is */
};

struct courier {
	const struct courier_start *start;
	struct contact contact;
	bool is_stopping;
	int64_t grace_until_ms;
	bool has_object;       /* it may end what it has in hand when told to stop */
	bool keeper_is_silent; /* another courier gets a channel to the next keeper */

	int auditor;
	bool auditor_is_new;	    /* it came after another had broken */
	struct audit_record record; /* of the object in hand */
	bool begin_told, last_fragment_told;

	struct outbound out;
	struct outbound_way way; /* in force */
	bool is_astray;		 /* there is none any more */
	struct sink sink;
	struct ae_title calling; /* of the association that is open */
	struct ul_pair
		pairs[UL_PAIRS_MAX]; /* proposed there; the first `known` are kept */
	size_t pair_count;
	int64_t opened_ms; /* when it was (clock_ms()) */

	struct cargo cargo;
	struct command_message request, response;
};

/* listening.c. Takes what the supervisor has said. */
void courier_listen(struct courier *courier);
struct leg_owner courier_waits(struct courier *courier);
/* The channel to the auditor is broken: waits for another. 0 or -1. */
MUST_USE int courier_renew_auditor(struct courier *courier);

/* cargo.c */
/* Opens the object as far as its metadata. On another result than SPOOL_GOOD nothing is
 * open. SPOOL_FAILED: the spool keeper has no key for it, or keeper_is_silent: then the
 * channel isn't to be used again, since a late answer would be taken for the next one's.
 */
MUST_USE enum spool_fault cargo_open(struct courier *courier,
				     const struct spool_work *work, bool *ret_lacks_key);
void cargo_close(struct cargo *cargo);
/* The command set. */
MUST_USE enum spool_fault cargo_command(struct cargo *cargo, struct command_message *ret);
/* The next piece of the data set, in memory of the cargo's. */
MUST_USE enum spool_fault cargo_next(struct cargo *cargo, struct ul_pdv *ret);

/* reach.c. An association on which the object in hand can be sent; its context is the
 * request's then. 0; or -1 with the failure. *ret_is_refused: the destination doesn't
 * accept the object's context. */
MUST_USE int reach_destination(struct courier *courier, bool *ret_is_refused,
			       struct sink_failure *ret);
/* What the destination is known to accept. */
void reach_begin(struct courier *courier);

/* delivery.c. Delivers one object. False when the courier is to end. */
MUST_USE bool deliver(struct courier *courier, const struct spool_work *work);
