/*
 * The dialler opens the connections to destinations for all associations, so that their
 * processes need no right to open any. It never waits: it hands a socket over while that
 * is still connecting.
 *
 * Promises: it connects to nothing that the configuration with which it was started does
 * not name. Where a destination's host is an address, that is the only one; where it is a
 * name, the supervisor says which address (the resolver found it), and only the port is
 * the configuration's. It keeps nothing of a request, and has no keys and no files.
 */
#pragma once

#include <stdint.h>
#include <sys/socket.h>

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/process/process.h"
#include "cathgate/sandbox/sandbox.h"

/* One datagram each. */
struct dialler_request {
	uint64_t id;	      /* the answer has it, too */
	uint64_t destination; /* in the configuration */
	struct sockaddr_storage address;
};

/* With the socket, or an errno. */
struct dialler_answer {
	uint64_t id;
	int64_t error;
	struct sockaddr_storage address;
};

/* What the process does. */
MUST_USE int dialler_run(int channel, const struct config *config,
			 const struct sandbox_program *sandbox);

/* 0; or -1 when it can't be told now: it is away, or busy. Never waits. */
MUST_USE int dialler_ask(const struct helper *dialler,
			 const struct dialler_request *request);
/* One answer with its socket, which is the caller's, or -1. False when there is none. */
MUST_USE bool dialler_hear(struct helper *dialler, struct dialler_answer *ret,
			   int *ret_socket);
