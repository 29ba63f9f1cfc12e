/*
 * What the observer is told: once a second, in a memory file, so that nobody waits and a
 * snapshot is whole or not there.
 */
#pragma once

#include <stdint.h>

struct server;

struct snapshot {
	unsigned told; /* the observer's generation that was, last */
	int64_t tell_ms;
};

void snapshot_maintain(struct server *server);
