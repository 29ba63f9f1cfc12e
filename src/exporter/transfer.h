/*
 * What one association transfers, and how it is told. Between transfers.c, which gathers,
 * and transfer_messages.c, which tells.
 */
#ifndef CATHGATE_EXPORTER_TRANSFER_H
#define CATHGATE_EXPORTER_TRANSFER_H

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
	UNCONFIRMED = 8
};

/* Instances that are told of as a number. */
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
	bool came_encrypted;
	struct group *groups;
	size_t count, room;
	/* Of the last line: its group's place, its instance, its total_ms. */
	size_t latest;
	char *latest_instance;
	json_int_t latest_ms;
};

/* That an instance's transfer to the destination begins. */
void transfer_tell_begin(const struct config *config, const struct log_line *line,
			 const struct group *group, struct outbox *outbox);
/* What came in and what went out, `time` being when that is told; leaves the groups in
 * another order. */
void transfer_tell(const struct config *config, struct transfer *transfer,
		   const char *time, struct outbox *outbox);

#endif
