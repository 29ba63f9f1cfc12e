/*
 * The supervisor's side of the forker. While there is none that is ready, nobody is
 * accepted: connections wait in the listen queue.
 *
 * The forker is executed anew when other settings come into force, each hour, and after
 * the crash of an association, since whoever made it crash may have learned something of
 * the address layout that all of one forker share.
 */
#pragma once

#include "cathgate/process/process.h"
#include "supervisor/helpers/forker.h"

struct forking {
	struct helper *helper;
	bool is_suspect;    /* an association has crashed */
	int64_t missing_ms; /* since when there is none; 0: there is */
};

/* Whether it will take an order now. */
MUST_USE bool forking_listens(const struct forking *forking);
/* Has an association forked, and waits for that, five seconds at most. The descriptors,
 * in the order of enum forker_descriptor, stay the caller's. Its PID; or -1 with errno:
 * ENOTCONN when the forker has ended, and another one may do it. A forker that doesn't
 * answer is ended. */
MUST_USE pid_t forking_fork(struct forking *forking, const struct forker_order *order,
			    const int *descriptors, size_t count);
/* Its channel is readable. */
void forking_hear(struct forking *forking);
/* Ends the present one: its settings are in force no longer. */
void forking_renew(struct forking *forking);
/* An association has crashed. */
void forking_suspect(struct forking *forking);
void forking_maintain(struct forking *forking);
