/*
 * What an association says to the spooler, over a channel of its own (SOCK_SEQPACKET)
 * that the supervisor has opened for one entry and one destination.
 *
 * An object's way: spool_client_file, seal it there (spool/sealed.h), spool_client_link,
 * spool_client_sync, its audit record, spool_client_commit; the modality hears of it
 * last. An object that was linked and never committed nor abandoned, because the process
 * died, is delivered: its record says `unconfirmed`.
 *
 * Functions that wait do so for SPOOL_ANSWER_MS at most. After SPOOL_AWAY the channel is
 * of no use any more.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cathgate/base/digest.h"
#include "cathgate/base/must_use.h"
#include "cathgate/spool/sealed.h"

#define SPOOL_ANSWER_MS 10000

enum spool_verdict {
	SPOOL_TAKEN,
	SPOOL_KNOWN,	   /* the same object is in the spool, or was delivered lately */
	SPOOL_CONFLICTS,   /* taken; the same SOP instance had other bytes before */
	SPOOL_QUARANTINED, /* likewise, and it waits for an operator */
	SPOOL_FULL,
	SPOOL_CANNOT, /* the file system refuses; errno says why */
	SPOOL_AWAY    /* no spooler answers */
};

struct spool_client {
	int channel;	/* -1: there is none */
	bool must_sync; /* the object that was linked last: its name, too */
	/* The spooler at this channel gave the file in hand, and has named it. Another
	 * one, whose channel came meanwhile, knows nothing of it. */
	bool has_file, has_named;
};

/* Closes the channel, where there is one, and takes another (or -1). */
void spool_client_adopt(struct spool_client *client, int channel);

/* How the spool is for this entry and destination. */
struct spool_client_state {
	bool is_full;
	bool has_backlog; /* of this entry's objects */
};

MUST_USE enum spool_verdict spool_client_ask(struct spool_client *client,
					     struct spool_client_state *ret);
/* The pairs of abstract and transfer syntax that the destination is known to accept, as
 * lines "ABSTRACT TRANSFER\n" in a sealed memory file (base/memory_file.h), which is the
 * caller's; -1 where none are known. */
MUST_USE enum spool_verdict spool_client_accepted(struct spool_client *client,
						  int *ret_file);
/* The destination has accepted that pair. Not waited for. */
void spool_client_learnt(struct spool_client *client, const char *abstract_syntax,
			 const char *transfer_syntax);

/* A file without a name, open for writing alone; the caller's. SPOOL_TAKEN, or why there
 * is none. */
MUST_USE enum spool_verdict spool_client_file(struct spool_client *client, int *ret);
/* Gives the file that was received last its name, with what is said of it in its metadata
 * and the header's SHA-256. *ret_object is the object's number. What isn't taken has no
 * name, and is gone with its descriptor. */
MUST_USE enum spool_verdict spool_client_link(struct spool_client *client,
					      const struct spool_metadata *metadata,
					      const uint8_t header[DIGEST_SIZE],
					      uint64_t *ret_object);
/* After fsync(2) of the file: the name is durable, too. */
MUST_USE enum spool_verdict spool_client_sync(struct spool_client *client);
/* The record of it is durable: it may be delivered. Not waited for, but heard even if
 * this process dies next. -1 when the spooler is gone, and then the object's fate is
 * open. */
MUST_USE int spool_client_commit(struct spool_client *client);
/* It is not to be delivered: the file is removed. */
void spool_client_abandon(struct spool_client *client);
