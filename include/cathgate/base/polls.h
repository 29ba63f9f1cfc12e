/*
 * The descriptors that an event loop waits for, gathered afresh for each turn: so none
 * can be stale.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "cathgate/base/must_use.h"

struct polls {
	struct pollfd *fds; /* free(3) */
	size_t count, room;
};

void polls_clear(struct polls *polls);
/* One more, to be read from; -1 keeps a place for none. False without memory. */
MUST_USE bool polls_add(struct polls *polls, int fd);
