/*
 * Sinks that end in the spool (cathgate/spool/client.h).
 *
 *   spool_sink      always: each instance is sealed and made durable there
 *   fallback_sink   cut-through to the destination, while the instance is kept: a small
 * one in memory, a large one sealed into a file that has no name yet; it goes into the
 * spool if the destination doesn't take it
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"
#include "cathgate/outbound/sink.h"
#include "cathgate/spool/client.h"

struct association;

struct spool_sink {
	struct association *association;
	struct spool_client client; /* the channel is -1 where there is none (now) */
	struct spool_sealer *sealer;
	int64_t away_until_ms; /* no spooler came, and none is waited for before */
	int file;	       /* of the instance in hand; -1 */
	bool is_linked;	       /* and neither committed nor abandoned */
};

struct fallback_sink {
	struct association *association;
	struct sink destination, spool;
	bool goes_to_destination; /* so far */
	bool goes_to_spool;	  /* it is being sealed */
	bool may_be_kept;	  /* and what came is in memory, or being sealed */
	bool may_be_there; /* the destination had all of it, and has not answered */
	const struct command_message *request;
	uint8_t *memory;
	size_t size;
	struct sink_failure why; /* why the destination doesn't have it */
	int64_t away_until_ms;	 /* the destination is not tried before */
};

void spool_sink_make(struct association *association, struct sink *ret);

/* Why the spool takes nothing now; REASON_NONE when it does, or isn't asked for. */
enum reason spool_sink_refuses(struct association *association, bool *ret_has_backlog);
