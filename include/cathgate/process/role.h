/*
 * How every process of the gateway's begins: forked from the supervisor, in one function,
 * as its role says.
 *
 * Promises: a child has no descriptor above standard error but those that it is given,
 * and none of the parent's keys unless its role says so. No signal is blocked in it; it
 * ignores SIGINT, SIGTERM and SIGHUP, and what the parent ignores. It is killed when its
 * parent ends, unless its role says otherwise.
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

/* What a process is for. The members behind `outlives_parent` are a helper's
 * (cathgate/process/helper.h): an association has none of them. */
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

/* fork()'s answer. The child has `keep`, of eight descriptors at most. */
MUST_USE pid_t role_fork(const struct role *role, const struct role_parent *parent,
			 const int *keep, size_t count);

/* Ends such a child. */
__attribute__((noreturn)) void role_exit(int status);
