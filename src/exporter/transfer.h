/*
 * What one association transfers, or couriers of what came by it: transfers.c gathers it,
 * transfer_messages.c tells it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cathgate/config/config.h"
#include "log_line.h"
#include "outbox.h"

enum result {
	FORWARDED = 1, /* bits, to be asked for together */
	SPOOLED = 2,
	FAILED = 4,
	UNCONFIRMED = 8,
	UNDELIVERED = 16, /* out of the spool: nobody tries any more */
	DROPPED = 32	  /* an operator removed it from there */
};

/* Instances of which only the number is told. */
struct group {
	const char *patient, *study, *sop_class, *reason;
	enum result result;
	uint64_t count;
};

struct transfer {
	char *association, *node, *modality, *calling_ae, *called_ae, *destination;
	char *last_time;
	char peer[64];
	uint64_t first_seq;
	bool is_delivery; /* nothing came in */
	bool came_encrypted;
	struct group *groups;
	size_t count, room;
	/* Of the last line: the index of its group, its instance, its total_ms. */
	size_t latest;
	char *latest_instance;
	int64_t latest_ms;
};

/* Tells that an instance's transfer to the destination begins. */
void transfer_tell_begin(const struct config *config, const struct log_line *line,
			 const struct group *group, struct outbox *outbox);
/* Tells what came in and what went out, at `time`; leaves the groups in another order. */
void transfer_tell(const struct config *config, struct transfer *transfer,
		   const char *time, struct outbox *outbox);
