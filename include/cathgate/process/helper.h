/*
 * A helper: one process beside the supervisor, with a channel to it (SOCK_SEQPACKET),
 * that is started again whenever it ends and should not.
 *
 * Promises: starting, watching and reaping never block; a helper that ends again and
 * again is started ever less often; nothing else is affected by its end. Only helper_wait
 * and helper_stop wait, for the time that the role allows.
 */
#pragma once

#include "cathgate/process/role.h"

/* The first four members are its owner's to fill in; the channel is -1 at first. */
struct helper {
	const struct role *role;
	const struct role_parent *parent;
	const void *argument;	    /* of the role's functions */
	const struct helper *after; /* it starts while that one is ready; NULL: at once */

	pid_t pid;	     /* 0 while there is none */
	int channel;	     /* -1 while there is none, or it was hung up on */
	int status;	     /* of the last one that ended, as wait(2) has it */
	unsigned generation; /* how many have been started */
	bool is_ready, is_dismissed;
	int64_t started_ms, restart_ms, backoff_ms; /* clock_ms() */
};

/* 0, or -1 with errno. */
MUST_USE int helper_start(struct helper *helper);
/* Starts one where there is none, one is wanted and it is time. */
void helper_maintain(struct helper *helper);
/* It works: helpers after it may start, and its back-off begins anew. */
void helper_became_ready(struct helper *helper);
/* Closes the channel. What comes of that is seen when the process has ended. */
void helper_hang_up(struct helper *helper);
/* Has another take its place: its end is no fault, and the other starts right after. */
void helper_dismiss(struct helper *helper);

/* A process has been reaped. False when it was none of these helpers'. */
MUST_USE bool helpers_reaped(struct helper *helpers, size_t count, pid_t pid, int status);

/* Whether it ended within the time that its role allows; it is reaped then. Signals that
 * come meanwhile are lost. */
MUST_USE bool helper_wait(struct helper *helper);
/* Hangs up and waits. One that is late is killed, unless it outlives its parent. */
void helper_stop(struct helper *helper);
