/*
 * What associations transfer, gathered until it can be told: one message for each
 * patient, direction and outcome instead of one for each instance (PS3.15 A.5.3.3,
 * A.5.3.7).
 *
 * What is told when follows from the log's lines alone, whichever of them was the first
 * to come: else, after a restart, some would be told twice or otherwise. So everything
 * gathered is told at once where it isn't the end of an association that tells of it.
 */
#ifndef CATHGATE_EXPORTER_TRANSFERS_H
#define CATHGATE_EXPORTER_TRANSFERS_H

#include <stdbool.h>
#include <stdint.h>

#include "cathgate/config/config.h"
#include "log_line.h"
#include "outbox.h"

struct transfer;

struct transfers {
	const struct config *config;
	struct transfer *items; /* in the order of their first lines */
	size_t count, room;
	size_t group_count; /* of all of them */
};

void transfers_free(struct transfers *transfers);

/* An instance that was let in, whatever became of it: gathers it, and tells that the
 * transfer begins where it is its association's and patient's first. */
void transfers_add(struct transfers *transfers, const struct log_line *line,
		   struct outbox *outbox);
/* The association's last line. */
void transfers_end(struct transfers *transfers, const struct log_line *line,
		   struct outbox *outbox);
/* Tells all. */
void transfers_tell(struct transfers *transfers, const struct log_line *line,
		    struct outbox *outbox);

/* Whether it is time to, lest too much be gathered. */
bool transfers_are_many(const struct transfers *transfers);
/* The first line of the oldest that is gathered; UINT64_MAX without any. */
uint64_t transfers_first_seq(const struct transfers *transfers);

#endif
