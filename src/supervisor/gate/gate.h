/*
 * The gate: who is let in, who stays, and how fast each may send.
 *
 *   listeners.c  listening sockets, our own and systemd's
 *   accept.c     a new connection: limits, room, a process of its own
 *   visitors.c   the addresses that connections come from, and how often
 *   places.c     the associations' processes
 *   claims.c     what these say and ask for, and whether it can be so; paces
 *   papers.c     what open associations are brought of other settings
 */
#pragma once

#include <sys/resource.h>

#include "supervisor/gate/visitors.h"
#include "supervisor/helpers/helpers.h"

/*
 * The listening sockets, our own and systemd's. Those that systemd passes stay open with
 * it while the gateway restarts, and a reload keeps those whose place stays, so that no
 * connection that waits there is lost.
 */
struct listener {
	int fd;
	size_t entry; /* of config.listen; one entry may have several of systemd's */
};

struct listeners {
	struct listener *items;
	size_t count;
	/* What systemd passed stays open to the end, whether or not a listener has it. */
	char **passed_names;
	size_t passed_count;
};

/* The associations' processes, and the place that each has, asks for or has returned. */
enum place_state {
	PLACE_HANDSHAKING,   /* not authenticated yet */
	PLACE_AUTHENTICATED, /* by its certificate; the rest is not proved */
	PLACE_HELD,
	PLACE_PARTING /* returned, or denied */
};

struct place {
	struct place *next, *previous; /* in the order they came */
	pid_t pid;		       /* 0 once reaped */
	int channel;
	enum place_state state;
	bool was_held, is_killed;
	unsigned auditor;	/* the generation that the process has a channel to */
	unsigned edition;	/* of the settings that the process knows: gate.edition */
	int64_t parting_ms;	/* since when it has been parting */
	size_t listener;	/* a listen entry; NOWHERE when it is gone */
	bool came_plain;	/* by one without TLS, whatever has become of it */
	size_t modality;	/* when held; NOWHERE when its entry is gone */
	size_t destination;	/* likewise */
	struct address host;	/* the peer's own ... */
	struct address address; /* ... and what counts as one: visitors_address */
	struct visit visit;
	char peer[ADDRESS_TEXT_SIZE];
	char id[AUDIT_ASSOCIATION_ID_SIZE];
	int64_t began_us; /* clock_us() */
	time_t since;
	struct association_figures figures; /* as the process says */
};

struct places {
	struct place *first, *last;
	unsigned handshaking, held; /* how many */
};

struct gate {
	const struct settings *settings; /* in force */
	const struct auditing *auditing;
	const struct role_parent *parent;
	struct listeners listeners;
	struct visitors visitors;
	struct rate *modality_rates;
	struct places places;
	struct papers *papers; /* while associations are still to be told */
	unsigned edition;      /* of what associations are told of the settings */
	bool is_closed;	       /* the gateway stops: no place is given any more */
	int64_t accept_again_ms;
};

/* Takes over what systemd has passed; before anything else is opened. */
MUST_USE int listeners_take_passed(struct listeners *listeners);
/* Opens one for each listen entry, or gives it those passed under its name; -1, with the
 * cure logged. A passed socket that no entry wants is a fault too. */
MUST_USE int listeners_open(struct listeners *listeners, const struct config *config);
void listeners_close(struct listeners *listeners);

/* Those of the next configuration: open ones are kept, new ones bound. NULL when one
 * can't be, with the fault added. */
MUST_USE struct listener *listeners_renew(const struct listeners *listeners,
					  const struct config *now,
					  const struct config *next, size_t *ret_count,
					  struct config_faults *faults);
/* Closes what listeners_renew has bound. */
void listeners_forget(const struct listeners *listeners, struct listener *next,
		      size_t count);
/* Puts them, of that configuration, in the place of the present ones, and closes those
 * that are gone. */
void listeners_replace(struct listeners *listeners, const struct config *config,
		       struct listener *next, size_t count);

/* A new connection's, handshaking; NULL without memory. The channel is the place's. */
MUST_USE struct place *places_add(struct places *places, int channel,
				  const struct sockaddr_storage *peer, const char *id);
void places_remove(struct places *places, struct place *place);

/* How many are held for an entry (NOWHERE: any), and from an address (NULL: any). */
unsigned places_held(const struct places *places, size_t modality,
		     const struct address *address);

/* A process that doesn't listen loses the notice. */
void place_say(const struct place *place, const struct association_notice *notice);
void places_say(const struct places *places, enum association_notice_kind kind);
/* Ends the process at once; the auditor is told why. */
void place_kill(struct place *place, const struct auditing *auditing, enum reason reason);
void places_kill(struct places *places, const struct auditing *auditing,
		 enum reason reason);
/* Ends those that should have parted long ago. */
void places_kill_late(struct places *places, const struct auditing *auditing);

/* Gives each that has none yet a channel to the auditor that has been started anew. */
void places_renew_auditor(struct places *places, const struct auditing *auditing);
/* Another configuration is in force: entries, destinations and listeners are looked up
 * there. */
void places_revise(struct places *places, const struct config *before,
		   const struct config *now);

void accept_some(struct gate *gate, size_t listener);
/* Tells the auditor how many were closed at accept; with `all` also what isn't due. */
void accept_tell_turned_away(struct gate *gate, bool all);

/* What concerns others than the gate in a notice from an association's process. */
enum claim {
	CLAIM_NONE,	     /* no good notice came; the place may be gone */
	CLAIM_FIGURES,	     /* no more than each notice has */
	CLAIM_AUTHENTICATED, /* its handshake has ended well */
	CLAIM_PLACE,	     /* and was given it */
	CLAIM_SAW_DESTINATION
};

/* The process may have been taken over before it had proved anything: a notice that its
 * state does not allow, or a place that can't be its own, ends it. */
enum claim claim_hear(struct gate *gate, struct place *place,
		      struct association_notice *ret);
/* The process gives up its place, or what it had instead. */
void claim_return(struct gate *gate, struct place *place);
/* The process has closed its channel, or is heard no longer. */
void claim_forget(struct gate *gate, struct place *place);
/* The process has been reaped. False when it was no association's. */
MUST_USE bool claim_reaped(struct gate *gate, pid_t pid, int status,
			   const struct rusage *usage);
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
/* What they say has changed: all are told anew. */
void papers_renew(struct gate *gate);
void papers_free(struct gate *gate);
