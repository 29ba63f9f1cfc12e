/*
 * How the gateway's processes begin. A helper (helper.c) is a process beside the
 * supervisor with a channel to it (SOCK_SEQPACKET). It is started again whenever it ends
 * and should not. The supervisor forks, and the child executes the gateway's own program
 * anew (role.c); there the process goes on as its role says (begin.c). One of them forks
 * processes that are the supervisor's children, too (fork.c).
 *
 * Promises: a helper inherits no memory and has an address layout of its own. It has
 * standard input, output and error, and the descriptors below, and no others. No signal
 * is blocked in it; it ignores SIGINT, SIGTERM and SIGHUP, and what the parent ignores.
 * Others of the same user can't look into it, and it leaves no core file. It is killed
 * when its parent ends, unless its role says otherwise. It executes the file that the
 * parent was started from, even when another lies in its place by now. Starting, watching
 * and reaping never block; a helper that ends again and again is started ever less often;
 * nothing else is affected by its end. Only helper_wait and helper_stop wait, for the
 * time that the role allows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "cathgate/base/must_use.h"

struct config;

/* The descriptors of a process that was executed anew. */
enum {
	ROLE_CHANNEL = 3, /* to the supervisor */
	ROLE_LETTER,	  /* a sealed memory file: what the supervisor has packed */
	ROLE_DEATHS,	  /* where it says how its sandbox ended it (sandbox.h) */
	ROLE_FREE	  /* from here on there is none */
};

/* A helper that ends with this status wants another started in its place: what its
 * sandbox lets it reach is no longer where it was. */
#define ROLE_ANEW 75

/* What a process is for. The members behind `outlives_parent` are a helper's: an
 * association has none of them. */
struct role {
	const char *name;     /* as ps shows it: 15 characters at most */
	const char *context;  /* in the log, and behind --role */
	bool outlives_parent; /* it ends by itself when its channel closes */

	bool is_once; /* started when somebody wants it to, and never by itself */
	/* Writes what the process is to be told at its start, in the parent; NULL:
	 * nothing. 0, or -1 without memory. */
	int (*pack)(const void *argument, FILE *to);
	/* What the process does; it ends with what this returns. `config` and `more` are
	 * what was packed. */
	int (*run)(int channel, const struct config *config, const uint8_t *more,
		   size_t size);
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

/* What the supervisor lends to those it starts. */
struct role_parent {
	pid_t pid;
	int signals;	    /* a signalfd that SIGCHLD makes readable */
	int program;	    /* of role_program; -1 before */
	bool is_foreground; /* --foreground is passed on */
	int deaths; /* of sandbox.h: where a child says how its sandbox ended it */
};

/* Opens the program's own file, for role_start: to be called once, at the start. The
 * descriptor is close-on-exec. -1 with errno. */
MUST_USE int role_program(void);
/* fork()'s answer in the parent. The child executes the program with `--role` and the
 * role's context, and has these two descriptors; without success it says so in the log,
 * and ends. */
MUST_USE pid_t role_start(const struct role *role, const struct role_parent *parent,
			  int channel, int letter);
/* In the program that was executed so: begins as the role says. The caller frees *ret,
 * which was packed for it. 0; or -1, when the program was not started so. */
MUST_USE int role_begin(const struct role *role, uint8_t **ret, size_t *ret_size);
/* Closes the memory of this process, and of those that it forks, to others of the same
 * user and to core files. */
void role_harden(void);

/* Forks a process whose parent is the caller's own parent, `parent`, which reaps it, and
 * with which it ends. fork()'s answer otherwise. It has the descriptors of `keep`, and no
 * others above standard error. No handler of pthread_atfork runs: the caller has one
 * thread. */
MUST_USE pid_t role_fork(const struct role *role, pid_t parent, const int *keep,
			 size_t count);
/* Ends a process of either kind. */
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
/* Lets this one go: it ends by itself, and is none of the helpers any more. Returns its
 * channel, which is the caller's to close; -1 where there was none. */
MUST_USE int helper_release(struct helper *helper);
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
