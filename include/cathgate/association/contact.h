/*
 * A process's channel to the supervisor: notices (association.h), and the connections to
 * a destination that it asks for. Associations have one, and so have couriers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cathgate/association/association.h"
#include "cathgate/base/must_use.h"
#include "cathgate/outbound/outbound.h"

struct contact {
	int channel;
	bool is_gone;		   /* the supervisor */
	bool call_is_due;	   /* a connection was asked for, and hasn't come */
	bool call_is_wanted;	   /* the wait for it goes on */
	struct outbound_call call; /* that has come while it was wanted */
};

/* One notice, and the descriptors with it, which are the caller's: 1; 0 when there is
 * none now; -1 when the supervisor is gone. */
MUST_USE int contact_receive(struct contact *contact, struct association_notice *ret,
			     int ret_came[ASSOCIATION_PAPER_COUNT], size_t *ret_count);
/* 0, or -1 when the supervisor is gone. */
int contact_send(const struct contact *contact, const struct association_notice *notice);

/* What came with a notice, each in its place: those whose bits are set, in order. -1
 * where none is. False when one is missing, because the process has no descriptor left
 * for it. */
bool contact_sort_out(uint32_t bits, const int *came, size_t count, int *ret,
		      size_t kinds);
/* ASSOCIATION_CONNECTION has come. `trusts` are those of the outbound now. */
void contact_take_call(struct contact *contact, const struct association_call *called,
		       const int *came, size_t count, unsigned trusts);

/* Asks for a connection and waits for it: `dial` of struct outbound_setup. The leg's
 * owner hears all notices meanwhile, and the deadline is the leg's. */
MUST_USE int contact_dial(struct contact *contact, struct association_notice *asked,
			  struct leg *leg, size_t number, struct outbound_call *ret);
