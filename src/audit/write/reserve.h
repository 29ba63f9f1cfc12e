/*
 * Room on the log's file system that refusals can't use. While less is free they are only
 * counted, so that a hostile or misconfigured peer can't take the room that an
 * acknowledged instance's record needs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct reserve {
	int64_t bytes; /* audit.reserve_bytes; 0: none is kept */
	int64_t looked_ms;
	bool is_reached;
};

/* Looks how much is free where the file is, once a second at most. Of a small file system
 * no more than a tenth is kept. Returns whether is_reached has changed; it ends only with
 * some room to spare. */
bool reserve_look(struct reserve *reserve, int fd, int64_t now_ms);
