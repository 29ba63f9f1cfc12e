/*
 * The spool keeper: a second keeper, which holds the spool's private keys and nothing
 * else. It reads them at its start, shuts itself in, and unwraps objects' secrets for
 * couriers, each over a channel that is good for one destination. It gives the spooler
 * its names keys.
 *
 * Promises: no private key leaves the process. A courier's channel opens no object that
 * was sealed for another destination: the destination is part of what an object's secret
 * is made of, and comes from the channel, not from the courier. When its control channel
 * closes, it serves until the last channel is closed, and ends.
 */
#pragma once

#include <stdbool.h>

#include "cathgate/base/must_use.h"
#include "cathgate/config/config.h"
#include "cathgate/sandbox/sandbox.h"
#include "cathgate/spool/key.h"

/* Of the keys that spool.key names, in its order, as they were judged. Plain memory. */
struct unwrapper_ids {
	uint8_t items[SPOOL_KEYS_MAX][SPOOL_KEY_ID_SIZE];
};

/* The process: returns its exit status, 1 when a key can't be read or is another, which
 * is logged. */
MUST_USE int unwrapper_run(int control, const struct config *config,
			   const struct unwrapper_ids *ids,
			   const struct sandbox_program *sandbox);

/*
 * The supervisor's side, which never waits.
 */

/* Whether it has said that it serves; *ret_is_gone when it has ended. */
bool unwrapper_hear(int control, bool *ret_is_gone);
/* A channel for a courier of that destination; NULL: for the spooler. The other end, or
 * -1 with errno. */
MUST_USE int unwrapper_open(int control, const char *destination);
