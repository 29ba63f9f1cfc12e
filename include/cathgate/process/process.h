/*
 * How every process of the gateway's begins: forked from the supervisor, in one function
 * (role.c), as its role says. And helpers (helper.c): processes beside the supervisor,
 * each with a channel to it (SOCK_SEQPACKET), that are started again whenever they end
 * and should not.
 *
 * Promises: a child has no descriptor above standard error but those that it is given,
 * and none of the parent's keys unless its role says so. No signal is blocked in it; it
 * ignores SIGINT, SIGTERM and SIGHUP, and what the parent ignores. It is killed when its
 * parent ends, unless its role says otherwise. Starting, watching and reaping never
 * block; a helper that ends again and again is started ever less often; nothing else is
 * affected by its end. Only helper_wait and helper_stop wait, for the time that the role
 * allows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cathgate/base/must_use.h"

enum role_keys {
	ROLE_NO_KEYS, /* the default */
	ROLE_TLS_KEYS /* those of every listener and destination */
};

/* What a process is for. The members behind `outlives_parent` are a helper's: an
 * association has none of them. */
struct role {
	const char *name;    /* as ps shows it: 15 characters at most */
	const char *context; /* in the log; NULL: the process says itself */
	enum role_keys keys;
	bool outlives_parent; /* it ends by itself when its channel closes */

	bool is_once; /* started when somebody wants it to, and never by itself */
	/* What the process does; it ends with what this returns. */
	int (*run)(int channel, const void *argument);
	/* Whether there should be one now; NULL: always. */
	bool (*is_wanted)(const void *argument);
	/* How long after its end another is started: doubled each time, up to a maximum,
	 * until it is well. */
	int64_t backoff_ms, backoff_max_ms;
	int64_t well_ms;   /* it is well after so long; 0: when its owner says so */
	int64_t finish_ms; /* what it may take to end when told to; 0: it is killed */
	const char *ended; /* the log's sentence; NULL: how, and when another starts */
	const char *late;  /* likewise, when finish_ms are over; NULL: none */
};

/* What the supervisor lends to those it forks. */
struct role_parent {
	pid_t pid;
	int signals; /* a signalfd that SIGCHLD makes readable */
	/* Frees all keys and overwrites them. */
	void (*forget_keys)(void *keys);
	void *keys;
};

/* fork()'s answer. The child has the descriptors of `keep`. */
MUST_USE pid_t role_fork(const struct role *role, const struct role_parent *parent,
			 const int *keep, size_t count);
/* Ends such a child. */
__attribute__((noreturn)) void role_exit(int status);

/* The first four members are its owner's to fill in; the channel is -1 at first. */
struct helper {
	const struct role *role;
	const struct role_parent *parent;
	const void *argument;	    /* of the role's functions */
	const struct helper *after; /* it starts while that one is ready; NULL: at once */

	pid_t pid;	     /* 0 while there is none */
	int channel;	     /* -1 while there is none, or it was hung up on */
	int status;	     /* of the last one that was reaped, as wait(2) has it */
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
/* Closes the channel, which tells the helper to end. Does not wait: helpers_reaped sees
 * its end. */
void helper_hang_up(struct helper *helper);
/* Ends this one so that another starts right after, without back-off and without an error
 * in the log. One whose role has no finish_ms is killed. */
void helper_dismiss(struct helper *helper);
/* A process has been reaped. False when it was none of these helpers'. */
MUST_USE bool helpers_reaped(struct helper *helpers, size_t count, pid_t pid, int status);
/* Whether it ended within the time that its role allows; it is reaped then. Signals that
 * come meanwhile are lost. */
MUST_USE bool helper_wait(struct helper *helper);
/* Hangs up and waits. One that is late is killed, unless it outlives its parent. */
void helper_stop(struct helper *helper);
