/*
 * What an association's process says. It may have been taken over before it had proved
 * anything: a notice that its state does not allow, or a place that can't be its own,
 * ends it.
 */
#pragma once

#include <sys/resource.h>

#include "supervisor/gate/gate.h"

/* What of a notice concerns others than the gate. */
enum claim {
	CLAIM_NONE,	     /* no good notice came; the place may be gone */
	CLAIM_FIGURES,	     /* no more than each notice has */
	CLAIM_AUTHENTICATED, /* its handshake has ended well */
	CLAIM_PLACE,	     /* and was given it */
	CLAIM_SAW_DESTINATION
};

enum claim claim_hear(struct gate *gate, struct place *place,
		      struct association_notice *ret);
/* The process gives up its place, or what it had instead. */
void claim_return(struct gate *gate, struct place *place);
/* The process has closed its channel, or is heard no longer. */
void claim_forget(struct gate *gate, struct place *place);
/* The process has been reaped. False when it was no association's. */
MUST_USE bool claim_reaped(struct gate *gate, pid_t pid, int status,
			   const struct rusage *usage);
