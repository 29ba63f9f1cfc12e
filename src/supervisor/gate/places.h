/*
 * The associations' processes, and the place that each has, asks for or has returned.
 */
#pragma once

#include "supervisor/gate/visitors.h"
#include "supervisor/helpers/auditing.h"
#include "supervisor/helpers/spooling.h"
#include "supervisor/settings/settings.h"

enum place_state {
	PLACE_HANDSHAKING,   /* not authenticated yet */
	PLACE_AUTHENTICATED, /* by its certificate; the rest is not proved */
	PLACE_HELD,
	PLACE_GIVEN_UP, /* returned, or denied */
	PLACE_COURIER	/* of a courier: it has none of an association's rights */
};

/* A connection that the process has asked for. */
struct place_call {
	uint64_t id; /* another for each; 0: none */
	uint32_t number;
	unsigned dialler; /* the generation that has been asked; 0: none */
	int64_t again_ms; /* it is not asked before */
};

struct place {
	struct place *next, *previous; /* in the order they came */
	pid_t pid;		       /* 0 once reaped */
	int channel;
	enum place_state state;
	bool is_courier; /* and no association */
	bool was_held, is_killed;
	unsigned auditor;	/* the generation that the process has a channel to */
	unsigned spooler;	/* likewise; 0: none */
	int64_t spooler_ms;	/* when that was */
	unsigned edition;	/* of the settings that the process knows: gate.edition */
	bool is_of_old;		/* it was forked with settings of an earlier edition */
	int64_t given_up_ms;	/* since when it has been parting */
	size_t listener;	/* a listen entry; NOWHERE when it is gone */
	bool came_plain;	/* by one without TLS, whatever has become of it */
	size_t modality;	/* when held; NOWHERE when its entry is gone */
	size_t destination;	/* likewise */
	struct address host;	/* the peer's own ... */
	struct address address; /* ... and what counts as one: visitors_address */
	struct place_call call;
	int64_t next_call_ms; /* one that comes before it waits until then */
	bool is_sighting_due; /* it may tell of the certificate that a connection showed
			       */
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

/* A new connection's, handshaking; NULL without memory. The channel is the place's. */
MUST_USE struct place *places_add(struct places *places, int channel,
				  const struct sockaddr_storage *peer, const char *id);
/* A courier's, in a list of their own. */
MUST_USE struct place *places_add_courier(struct places *places, int channel,
					  size_t destination, const char *id);
void places_remove(struct places *places, struct place *place);

/* NULL where there is none. */
MUST_USE struct place *places_find(const struct places *places, pid_t pid);
MUST_USE struct place *places_find_id(const struct places *places, const char *id);

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
void places_renew_auditor(struct places *places, const struct auditing *auditing,
			  const struct config *config);
/* Gives an association whose entry may use the spool a channel to the spooler that runs
 * now, where it has none to that one. */
void place_bring_spooler(struct place *place, const struct spooling *spooling,
			 const struct config *config);
/* It says that the channel it has is of no use. */
void place_wants_spooler(struct place *place);
void places_bring_spooler(struct places *places, const struct spooling *spooling,
			  const struct config *config);
/* Another configuration is in force: entries, destinations and listeners are looked up
 * there. */
void places_revise(struct places *places, const struct config *before,
		   const struct config *now);
