/* Programs that commands run: tar, systemd-creds, curl. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "cathgate/base/must_use.h"

struct child {
	const char *const *command; /* the path first; ends with NULL */
	int folder;		    /* it works there; -1: where the tool does */
	int in, out;		    /* -1: /dev/null */
	bool is_nobody;		    /* root runs it with the rights of nobody */
};

/* The PID; -1 with a message. Signals that wait for the tool don't wait for it. */
MUST_USE pid_t child_start(const struct child *child);
/* The exit status; -1 when a signal ended it. */
MUST_USE int child_wait(pid_t pid);
/* Both. */
MUST_USE int child_run(const struct child *child);
