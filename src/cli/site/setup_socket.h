/*
 * The socket unit that holds the gateway's port. Where the answers want another address
 * or port than the package's unit has, it gets a drop-in: with the unit there, systemd
 * passes its socket whatever the configuration says, and the gateway refuses one that no
 * listener asks for.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cathgate/base/must_use.h"
#include "setup.h"

/* Whether the configuration is to take systemd's socket. */
bool setup_has_socket(const struct setup_plan *plan);

/* The drop-in as it was before. */
struct setup_socket {
	bool was_changed, was_there, made_folder;
	char *before;
	size_t size;
};

/* Writes the drop-in, or removes an earlier setup's, as the answers want. -1 with a
 * message, and as before. */
MUST_USE int setup_socket_write(const struct setup_plan *plan, struct setup_socket *ret);
/* Brings back what was there. */
void setup_socket_undo(struct setup_socket *socket);
/* Has systemd read it, and says where the gateway listens. */
void setup_socket_settle(const struct setup_plan *plan, struct setup_socket *socket);
