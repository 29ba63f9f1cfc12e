/*
 * The gate: who is let in, who stays, and how fast each may send.
 *
 *   listeners.c  listening sockets, our own and systemd's
 *   accept.c     a new connection: limits, room, a process of its own
 *   visitors.c   the addresses that connections come from, and how often
 *   places.c     the associations' processes
 *   crashes.c    those that die of a signal, and held_back.c who is held back for that
 *   claims.c     what these say and ask for, and whether it can be so; paces
 *   papers.c     what open associations are brought of other settings
 *   dialling.c   the connections to destinations that associations ask for
 *   couriers.c   the processes that deliver from the spool
 */
#pragma once

#include <sys/resource.h>

#include "supervisor/gate/held_back.h"
#include "supervisor/gate/listeners.h"
#include "supervisor/gate/places.h"
#include "supervisor/helpers/dialler.h"
#include "supervisor/helpers/forking.h"
#include "supervisor/helpers/keeping.h"

/* A connection that was let in and has no process yet. */
struct arrival {
	struct forker_order order;
	int socket, auditor; /* -1: there is none */
	struct visit visit;
	char peer[ADDRESS_TEXT_SIZE];
};

struct gate {
	const struct settings *settings; /* in force */
	const struct auditing *auditing;
	struct helper *dialler;
	struct forking *forking;
	const struct keeping *keeping;
	const struct spooling *spooling;
	struct listeners listeners;
	struct visitors visitors;
	struct held_back held_back;
	struct arrival *waiting; /* let in just when forker or keeper ended; or NULL */
	struct rate *modality_rates;
	struct places places;
	struct places couriers;
	struct papers *papers; /* while associations are still to be told */
	unsigned edition;      /* counts up when associations must be told of a change */
	uint64_t calls; /* how many connections were asked for: the last one's id */
	bool is_closed; /* the gateway stops: no place is given any more */
	int64_t accept_again_ms;
};

void accept_some(struct gate *gate, size_t listener);
/* Serves the connection that waits, if one does, once there is a forker. */
void accept_waiting(struct gate *gate);
/* Another configuration is in force, or none any more (NULL). */
void accept_revise(struct gate *gate, const struct config *before,
		   const struct config *now);
/* Tells the auditor how many were closed at accept; with `all` also what isn't due. */
void accept_tell_turned_away(struct gate *gate, bool all);

/* What the gate has heard from an association's process, for the caller to act on. */
enum claim {
	CLAIM_NONE,	     /* no good notice came; the place may be gone */
	CLAIM_FIGURES,	     /* only the figures that each notice bears */
	CLAIM_AUTHENTICATED, /* its handshake has ended well */
	CLAIM_PLACE,	     /* it asked for a place, and was given it */
	CLAIM_SAW_DESTINATION
};

/* The process may have been taken over before it had proved anything: a notice that its
 * state does not allow, or a place that can't be its own, ends it. */
enum claim claim_hear(struct gate *gate, struct place *place,
		      struct association_notice *ret);
/* The keeper has refused to sign what an association's process wanted: it is ended. */
void claim_refused(struct gate *gate, const struct keeper_refusal *refusal);
/* The process gives up its place, or what it had instead. */
void claim_return(struct gate *gate, struct place *place);
/* The process has closed its channel, or is heard no longer. */
void claim_forget(struct gate *gate, struct place *place);
/* The process has been reaped; `how` it ended is "" when in order. False when it was no
 * association's. */
MUST_USE bool claim_reaped(struct gate *gate, pid_t pid, int status, const char *how,
			   const struct rusage *usage);
/* The place's process has died of that signal. */
void crash_note(struct gate *gate, const struct place *place, int signal);
/* Whether no place is given to that entry, and nobody let in from that address. */
bool crash_holds_modality(const struct gate *gate, size_t modality);
bool crash_holds_address(const struct gate *gate, const struct address *address);

/* Tells each that holds a place how fast it may send: its share of what its entry and its
 * address may. */
void paces_say(struct gate *gate);

/* Papers say what the settings in force are to an association that is open: its own
 * entry, and whom its listener and its destination's side believe now. Each is written
 * once, into memory that is sealed, and handed to all whom it concerns; nothing comes
 * back. False when the process doesn't listen now. */
MUST_USE bool papers_bring(struct gate *gate, struct place *place);
/* To all that hold a place and don't know of it yet. */
void papers_maintain(struct gate *gate);
void papers_free(struct gate *gate);

/* The process asks for a connection to its destination's address of that number. It gets
 * one as soon as the dialler has begun it, and with it, where there is to be TLS, a
 * channel to the keeper for one handshake. When the dialler or the keeper ends meanwhile,
 * its successor is asked. Only the association waits for that, with its own deadline.
 * What the settings don't have any more is answered with an error. False when it can't
 * ask for that by right. */
MUST_USE bool dialling_ask(struct gate *gate, struct place *place, uint32_t number);
/* The dialler's channel is readable. */
void dialling_hear(struct gate *gate);
/* Passes on what the dialler doesn't have. */
void dialling_maintain(struct gate *gate);

/* Starts a courier for that destination. What can't be done now is asked for again by the
 * spooler. */
void courier_start(struct gate *gate, const char *destination);
/* The courier's process has said something: CLAIM_NONE or CLAIM_SAW_DESTINATION. */
enum claim courier_hear(struct gate *gate, struct place *place,
			struct association_notice *ret);
