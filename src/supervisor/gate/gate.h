/*
 * The gate: who is let in, who stays, and how fast each may send.
 *
 *   listeners.c  listening sockets, our own and systemd's
 *   accept.c     a new connection: limits, room, a process of its own
 *   visitors.c   the addresses that connections come from
 *   rates.c      how often in a minute
 *   places.c     the associations' processes
 *   claims.c     what these say and ask for, and whether it can be so
 *   paces.c      how fast each may send
 *   papers.c     what open associations are brought of other settings
 */
#pragma once

#include "supervisor/gate/listeners.h"
#include "supervisor/gate/places.h"
#include "supervisor/gate/rates.h"
#include "supervisor/gate/visitors.h"
#include "supervisor/helpers/auditing.h"
#include "supervisor/settings/settings.h"

struct gate {
	const struct settings *settings; /* in force */
	const struct auditing *auditing;
	const struct role *role; /* of an association's process */
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
