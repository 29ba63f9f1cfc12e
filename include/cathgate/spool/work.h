/*
 * What a courier's process says to the spooler, over a channel of its own
 * (SOCK_SEQPACKET) that the supervisor has opened for one destination; and to the spool
 * keeper.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cathgate/base/must_use.h"
#include "cathgate/spool/key.h"
#include "cathgate/spool/name.h"
#include "cathgate/spool/sealed.h"

/* What came of an object, once the record of it is durable. */
enum spool_result {
	SPOOL_RESULT_DELIVERED,
	SPOOL_RESULT_UNREACHED, /* the destination is away, and is left alone for a while
				 */
	SPOOL_RESULT_LATER,	/* likewise; it said that it can't take the object now */
	SPOOL_RESULT_LOST,	/* it broke off within the object, or never answered */
	SPOOL_RESULT_REFUSED,	/* for good, or it was the last try */
	SPOOL_RESULT_BROKEN,	/* it can't be opened: SPOOL_TORN, SPOOL_FOREIGN,
				   SPOOL_CORRUPT */
	SPOOL_RESULT_LOCKED,	/* no key opens it */
	SPOOL_RESULT_UNKNOWN,	/* it is of a suite that isn't known here */
	SPOOL_RESULT_RETURNED	/* it wasn't tried */
};

enum spool_order {
	SPOOL_OBJECT, /* deliver this one */
	SPOOL_REST,   /* there is nothing to do: release the destination, and end */
	SPOOL_NOTHING /* now */
};

struct spool_work {
	uint64_t object; /* its number */
	int fd;		 /* the caller's, open for reading alone */
	/* What its header's SHA-256 begins with. */
	uint8_t header[SPOOL_LONG_TAG];
	bool is_last_try;    /* if it is lost again, it is dead */
	bool is_overdue;     /* if this try fails, it is given up */
	bool is_to_bury;     /* it has ended three couriers: record it as dead, no more */
	bool is_unconfirmed; /* nobody knows whether its sender has heard of success */
};

/* Asks for an object; the answer is heard by spool_work_hear. 0; or -1: the spooler is
 * gone, and so in the next ones. */
MUST_USE int spool_work_ask(int channel);
/* Never waits. -1 when the spooler is gone. */
MUST_USE int spool_work_hear(int channel, enum spool_order *ret_order,
			     struct spool_work *ret);
MUST_USE int spool_work_result(int channel, uint64_t object, enum spool_result result);
/* Whether the destination accepts that pair, asked for alone. */
MUST_USE int spool_work_learnt(int channel, const char *abstract_syntax,
			       const char *transfer_syntax, bool is_accepted);
/* The same as spool_client_accepted: asks, and the file comes as an answer. */
MUST_USE int spool_work_accepted(int channel, int timeout_ms, int *ret_file);

/* Has the spool keeper unwrap an object's secret, over its own channel. 0; 1 when it has
 * no key of that id; 2 when the key doesn't take what is said to be for it; -1 when the
 * keeper is gone. */
MUST_USE int spool_work_unwrap(int keeper, const struct spool_front *front,
			       struct spool_secret *ret, int timeout_ms);
