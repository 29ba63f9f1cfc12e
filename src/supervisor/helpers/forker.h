/*
 * The forker: a process that holds what all associations need, and forks one for each
 * connection. It knows nobody but the supervisor, whose children the associations are. So
 * the supervisor reads no certificate's bytes for them, and their address layout is the
 * forker's, which is another with each forker.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "cathgate/audit/record.h"
#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"

enum forker_descriptor {
	FORKER_SOCKET,	/* of the connection */
	FORKER_NOTICES, /* the association's end of the channel to the supervisor */
	FORKER_AUDITOR, /* likewise, to the auditor */
	FORKER_SIGNER,	/* to the keeper, for the handshake; none on a plain listener */
	FORKER_DESCRIPTORS
};

/* A courier's: it has no connection yet. */
enum forker_courier_descriptor {
	FORKER_COURIER_NOTICES,
	FORKER_COURIER_AUDITOR,
	FORKER_COURIER_SPOOLER,
	FORKER_COURIER_KEEPER, /* to the spool keeper */
	FORKER_COURIER_DESCRIPTORS
};

/* What the supervisor sends, one datagram for each process, with the descriptors. */
struct forker_order {
	char id[AUDIT_ASSOCIATION_ID_SIZE];
	struct sockaddr_storage peer;
	bool is_courier;
	size_t listener;    /* in config.listen; of an association */
	size_t destination; /* in config.destinations; of a courier */
	int64_t accepted_ms;
};

/* What it sends: FORKER_READY once, then an answer to each order. */
#define FORKER_READY (-1)

struct forker_answer {
	int64_t pid; /* 0: there is none ... */
	int error;   /* ... for this reason */
};

/* What the process does, until its channel closes: `more` is what settings_pack_tls has
 * packed. Returns its exit status. */
MUST_USE int forker_run(int channel, const struct config *config, const uint8_t *more,
			size_t size);
