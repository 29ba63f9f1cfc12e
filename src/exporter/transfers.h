/*
 * Gathers what associations transfer, to tell it in one message for each patient,
 * direction and outcome instead of one for each instance (PS3.15 A.5.3.3, A.5.3.7).
 * Likewise, apart from them, what couriers deliver from the spool: by the association by
 * which it came, and the destination.
 *
 * When something is told follows from the log's lines alone, and not from the line that
 * the exporter began with: otherwise messages would be others after a restart. So the
 * end of an association tells of that alone, and any other occasion of all associations,
 * or of all deliveries.
 */
#pragma once

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

/* Gathers an instance that was let in, whatever became of it. The first of its
 * association and patient also tells that their transfer begins. */
void transfers_add(struct transfers *transfers, const struct log_line *line,
		   struct outbox *outbox);
/* Gathers what came of an object of the spool, as far as it was to be transferred. */
void transfers_add_delivery(struct transfers *transfers, const struct log_line *line,
			    struct outbox *outbox);
/* Tells what the association transferred: this is its last line. */
void transfers_end(struct transfers *transfers, const struct log_line *line,
		   struct outbox *outbox);
/* Tells everything that is gathered. */
void transfers_tell(struct transfers *transfers, const struct log_line *line,
		    struct outbox *outbox);

/* Whether so much is gathered that it should be told. */
bool transfers_are_many(const struct transfers *transfers);
/* The first line of the oldest that is gathered; UINT64_MAX without any. */
uint64_t transfers_first_seq(const struct transfers *transfers);
