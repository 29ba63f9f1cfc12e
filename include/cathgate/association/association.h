/*
 * One inbound association from its first to its last byte, in a process of its own: TLS,
 * A-ASSOCIATE-RQ, policy, negotiation with the destination, the relay of each instance,
 * its audit records.
 *
 * Promises: no byte of DICOM is read before the TLS handshake has ended well (a plain
 * listener has none); a success or warning status reaches the modality only after the
 * destination gave it and its record is durable; a half-received object is never
 * completed at the destination; every way out leaves a record. It never touches another
 * association's memory or descriptors. From the first byte on it has no files.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "cathgate/audit/record.h"
#include "cathgate/base/ae_title.h"
#include "cathgate/config/config.h"
#include "cathgate/base/histogram.h"
#include "cathgate/base/must_use.h"
#include "cathgate/base/reason.h"
#include "cathgate/net/addresses.h"
#include "cathgate/sandbox/sandbox.h"
#include "cathgate/spool/key.h"
#include "cathgate/tls/tls.h"

/* What the supervisor hands over. The process owns the four descriptors; the rest is
 * read only and outlives it. */
struct association_start {
	const struct config *config;
	struct tls_context *server;	    /* NULL: a plain listener */
	struct tls_context *const *clients; /* one a destination; NULL: plain */
	int socket;
	int supervisor; /* SOCK_SEQPACKET, struct association_notice both ways */
	int auditor;	/* a channel of audit/client.h */
	int signer;	/* to the keeper, for the handshake; -1: a plain listener */
	struct sockaddr_storage peer;
	char id[AUDIT_ASSOCIATION_ID_SIZE];
	int64_t accepted_ms;		  /* clock_ms() */
	const struct spool_public *spool; /* what objects are sealed to; NULL: nothing */
	const struct sandbox_program *sandbox;
};

/* What an association and the supervisor say to each other, one datagram a notice. */
enum association_notice_kind {
	/* association to supervisor */
	ASSOCIATION_AUTHENTICATED,   /* its certificate is proved */
	ASSOCIATION_ASKS_PLACE,	     /* a place for the entry `modality` and for
					`destination`; `until`: when its
					certificate ends; waits for the answer */
	ASSOCIATION_SAW_DESTINATION, /* `until`: when the destination's certificate ends
				      */
	ASSOCIATION_TELLS_FIGURES,   /* those of the notice; now and then */
	ASSOCIATION_ASKS_CONNECTION, /* to its destination's address of the `number`;
					one at a time; waits for the answer */
	ASSOCIATION_ASKS_SPOOLER,    /* its channel there broke, or was silent */
	ASSOCIATION_RETURNS_PLACE,   /* about to end; end of file says the same */
	/* supervisor to association */
	ASSOCIATION_GRANTED, /* with its pace */
	ASSOCIATION_DENIED,  /* with reason and rejection_reason (PS3.8 table 9-21, 2/3/n)
			      */
	ASSOCIATION_PACE,    /* another one */
	ASSOCIATION_CONNECTION, /* carries a socket that has begun to connect, and where
				   the destination has TLS a channel to the keeper for the
				   handshake; or none, with an errno. In any case `called`
				 */
	ASSOCIATION_STOP,	/* end: at once, or after the instance in hand */
	ASSOCIATION_AUDITOR, /* carries a channel to the auditor, which was restarted */
	ASSOCIATION_SPOOLER, /* carries one to the spooler: the first, or another */
	ASSOCIATION_REVISED  /* the configuration has changed: carries the `papers` */
};

/* What ASSOCIATION_REVISED brings, one readable file each, in this order. Any
 * may be absent. No ENTRY: the configuration has none of that name any more. No
 * SERVER_TRUST: the listener is gone. No CLIENT_TRUST: the old one stays in force. No
 * WAY: the entry sends to another destination now, or its own is gone. */
enum association_paper {
	ASSOCIATION_ENTRY,	  /* config_entry_pack */
	ASSOCIATION_SERVER_TRUST, /* tls_trust_pack: of the listener it came by */
	ASSOCIATION_CLIENT_TRUST, /* of its destination */
	ASSOCIATION_WAY,	  /* to that: struct outbound_way */
	ASSOCIATION_PAPER_COUNT
};

#define ASSOCIATION_NAME_SIZE 64

/* What the association has done so far: it is shown, and nothing is decided by
 * it. */
struct association_figures {
	struct ae_title calling_ae;
	uint64_t instances;	     /* that came, whatever became of them */
	uint64_t bytes;		     /* of data sets, those broken off among them */
	struct histogram first_byte; /* of a C-STORE: from its first byte in until out */
};

/* The fastest that the modality may send; 0: no limit. */
struct association_pace {
	int64_t bytes_per_second, instances_per_minute;
};

/* What ASSOCIATION_CONNECTION brings, in this order. */
enum association_brought {
	ASSOCIATION_SOCKET,
	ASSOCIATION_SIGNER, /* to the keeper (signer/channel.h) */
	ASSOCIATION_BROUGHT_COUNT
};

/* A connection to the destination that was asked for. */
struct association_call {
	int32_t error;	 /* an errno; 0 with a socket */
	uint32_t brings; /* a bit for each: 1 << ASSOCIATION_SOCKET, ... */
	uint32_t count;	 /* of the destination's addresses; 0: its name has none */
	struct sockaddr_storage address;
};

struct association_notice {
	enum association_notice_kind kind;
	char modality[ASSOCIATION_NAME_SIZE], destination[ASSOCIATION_NAME_SIZE];
	enum reason reason;
	uint32_t rejection_reason;
	struct association_pace pace;
	int64_t until;			    /* a time_t; 0: no certificate */
	struct association_figures figures; /* in each notice from an association */
	uint32_t papers; /* a bit for each: 1 << ASSOCIATION_ENTRY, ... */
	uint32_t number; /* counted from 0; below NET_ADDRESSES_MAX */
	struct association_call called;
};

/* Runs the association to its end; returns the exit status of its process. */
MUST_USE int association_run(const struct association_start *start);
