/*
 * An association that the gateway opens to a destination: connects, proposes, passes
 * messages on and proves the responses, one message at a time.
 *
 * Promises: half of a message is never followed by a release, which could make it look
 * whole; a response is believed only where it answers the request in hand; no message
 * goes to a destination whose certificate is out of date, or that the configuration does
 * not name any more. An association that the destination has left between two messages is
 * opened again, provided that it answers every presentation context as before.
 *
 * The module knows nothing of the process around it: what has to be heard or watched
 * during a wait is the owner's (outbound/leg.h), and so is who opens sockets.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#include "cathgate/base/ae_title.h"
#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/outbound/leg.h"
#include "cathgate/outbound/sink.h"
#include "cathgate/tls/tls.h"

/* The way to a destination, plain memory: what a reload can change of it while an
 * association is open. Whom the gateway believes there and its own certificate are
 * brought apart (outbound_revise_trust). */
struct outbound_way {
	char host[256]; /* for messages */
	uint16_t port;
	bool is_plain;
	struct ae_title called, calling; /* calling: "": the proposal's */
};

void outbound_way_of(const struct config_destination *destination,
		     struct outbound_way *ret);

/* A connection to one of the destination's addresses, begun. */
struct outbound_call {
	int fd; /* tuned, and maybe still connecting; -1 when it could not be begun */
	/* To the keeper, for the handshake; -1: there is no TLS, or the context has its
	 * own keys. */
	int signer;
	int error; /* an errno that says why, then */
	struct sockaddr_storage address;
	size_t count;	 /* of the destination's addresses; 0: its name has none */
	unsigned trusts; /* those of the outbound when it came */
};

/* Closes both descriptors, where they are. */
void outbound_hang_up(const struct outbound_call *call);

/* What stays the same however often the association is opened. Pointers must outlive it.
 */
struct outbound_setup {
	struct tls_context *context; /* NULL: plain */
	/* Whose presentation contexts are passed on (NULL: one for C-ECHO), which of
	 * them, the calling AE title, the longest PDU. The called one is the way's. */
	struct ul_proposer proposal;
	unsigned connect_seconds, response_seconds;
	/* Its context is that of the next functions as well. */
	struct leg_owner owner;
	/* Begins to connect to the destination's address of that number, counted from 0.
	 * A number that is too large is a failure with the count. 0 with the call, whose
	 * descriptors are the caller's. -1 when a wait on the leg was interrupted. */
	MUST_USE int (*dial)(void *context, struct leg *leg, size_t number,
			     struct outbound_call *ret);
	/* The last two may be NULL. */
	/* Told of the peer after each handshake. */
	void (*met)(void *context, const struct tls_peer *peer);
	/* Told of each address that could not be connected to, with the errno; ECANCELED
	 * when the wait was interrupted. */
	void (*missed)(void *context, const char *address, int error);
};

/* One destination's. Callers read `setup` and `leg`; the rest is the module's own. */
struct outbound {
	struct outbound_setup setup;
	struct outbound_way way; /* in force now */
	struct leg leg;
	bool is_astray;	    /* the way was taken away */
	bool is_of_old;	    /* it was opened before way or trust changed: opened anew */
	unsigned trusts;    /* how often that has changed, with our own certificates */
	time_t trust_until; /* of the destination's certificate; 0: for ever */

	const struct command_message *request; /* not answered yet */
	bool is_amid;		/* a message is not sent whole, or not answered */
	bool has_refused_early; /* the request was answered before its data set's end */
	bool is_nameless;	/* a response here named no SOP instance */
	bool is_id_again;	/* the last instance's message id was another's before */
	uint8_t ids[65536 / 8]; /* a bit for each id that an instance had */
};

void outbound_init(struct outbound *outbound, const struct outbound_setup *setup,
		   const struct outbound_way *way);

/* After a reload, for the next message. The way that is in force now; NULL: there is none
 * any more, and the message fails (REASON_REVOKED_WHILE_OPEN). Whom the gateway believes
 * there (tls_trust_pack's bytes); without memory the old trust stays, and that is logged.
 */
void outbound_revise_way(struct outbound *outbound, const struct outbound_way *way);
void outbound_revise_trust(struct outbound *outbound, const uint8_t *trust, size_t size);

/* Connects, does TLS, proposes. 0; or -1 with the failure, and nothing is open. */
MUST_USE int outbound_open(struct outbound *outbound, struct sink_failure *ret);
/* The three steps of it, each with the moment (clock_ms()) at which it must have ended.
 * Dialling gives a call that is connected, which securing takes over, also where it
 * fails. What is open after a failure is the caller's to close (leg_close). */
MUST_USE int outbound_dial(struct outbound *outbound, int64_t end_ms,
			   struct outbound_call *ret_call, struct sink_failure *ret);
MUST_USE int outbound_secure(struct outbound *outbound, const struct outbound_call *call,
			     int64_t end_ms, struct sink_failure *ret);
MUST_USE enum ul_connect_fault outbound_propose(struct outbound *outbound, int64_t end_ms,
						struct sink_failure *ret);

/* Before each message, which is `request`: opens it, or opens it again, where it has to
 * be. 0; or -1 with the failure, and nothing is open. */
MUST_USE int outbound_ready(struct outbound *outbound,
			    const struct command_message *request,
			    struct sink_failure *ret);
/* Passes the command set on as it is; it must stay until it is answered. 0 or -1. */
MUST_USE int outbound_command(struct outbound *outbound,
			      const struct command_message *request,
			      struct sink_failure *ret);
/* Waits for the response to that and proves that it is one. Likewise. */
MUST_USE int outbound_response(struct outbound *outbound,
			       struct command_message *ret_response,
			       struct sink_failure *ret);

/* Whether the destination has said something that nobody asked for, between two messages:
 * it can only be leaving. */
bool outbound_has_spoken(const struct outbound *outbound);
/* Reads what it said, and closes. */
void outbound_close_left(struct outbound *outbound);
/* Aborts if a message is under way; else does nothing. */
void outbound_abort_message(struct outbound *outbound);
/* Closes what is open: by a release, or by an abort if a message is under way. */
void outbound_release(struct outbound *outbound);

/* Instances go to the destination: begin is outbound_ready and outbound_command. */
void outbound_sink(struct outbound *outbound, struct sink *ret);
