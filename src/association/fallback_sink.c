#include "fallback_sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#include "cathgate/base/clock.h"

/* So much of an instance is kept in memory. */
#define MEMORY_MAX (1024 * 1024)

/* The instance can't go on, whatever has it: the modality is gone, or the gateway stops,
 * or the destination isn't the entry's any more. */
static bool ends_all(enum reason reason)
{
	return reason == REASON_PEER_LOST || reason == REASON_PEER_ABORT ||
	       reason == REASON_GATEWAY_STOPPING || reason == REASON_REVOKED_WHILE_OPEN;
}

bool fallback_sink_may_keep(enum reason reason)
{
	return !ends_all(reason);
}

/* "May pass": out of resources (PS3.4 table B.2-1). */
static bool may_pass(uint16_t status)
{
	return (status & 0xFF00) == STATUS_OUT_OF_RESOURCES;
}

static void note_status(struct fallback_sink *sink, uint16_t status)
{
	sink->why = (struct sink_failure){ .reason = REASON_DESTINATION_STATUS };
	snprintf(sink->why.detail, sizeof(sink->why.detail),
		 "the destination answered %04X", status);
}

/* As long as the first courier would leave it alone. */
void fallback_sink_is_away(struct association *association)
{
	association->fallback.away_until_ms =
		clock_ms() + association->config->spool.retry_first_seconds * 1000LL;
}

static void leave_destination(struct fallback_sink *sink)
{
	sink->goes_to_destination = false;
	sink->destination.abort(sink->destination.context);
	fallback_sink_is_away(sink->association);
}

static void forget(struct fallback_sink *sink)
{
	sink->goes_to_destination = sink->goes_to_spool = sink->may_be_kept = false;
	sink->may_be_there = false;
	sink->size = 0;
}

/* Begins to seal, with what came so far. 0; or -1, and it can't be kept. */
MUST_USE static int begin_to_seal(struct fallback_sink *sink, struct sink_failure *ret)
{
	const struct ul_pdv so_far = { .data = sink->memory, .size = sink->size };

	sink->goes_to_spool =
		sink->may_be_kept &&
		sink->spool.begin(sink->spool.context, sink->request, ret) == 0;
	if (sink->goes_to_spool && sink->size > 0)
		sink->goes_to_spool =
			sink->spool.fragment(sink->spool.context, &so_far, ret) == 0;
	sink->may_be_kept = sink->goes_to_spool;
	sink->size = 0;
	return sink->goes_to_spool ? 0 : -1;
}

/* The destination doesn't have it: from here on it is sealed. `ret` holds why; it stays
 * where the spool can't take it either. 0 or -1. */
MUST_USE static int turn_to_spool(struct fallback_sink *sink, struct sink_failure *ret)
{
	struct sink_failure spool;

	sink->why = *ret;
	leave_destination(sink);
	if (ends_all(ret->reason) || !sink->may_be_kept)
		return -1;
	return sink->goes_to_spool ? 0 : begin_to_seal(sink, &spool);
}

static int begin(void *context, const struct command_message *request,
		 struct sink_failure *ret)
{
	struct fallback_sink *sink = context;
	bool has_backlog;

	forget(sink);
	sink->request = request;
	sink->why = (struct sink_failure){ .reason = REASON_NONE };
	sink->may_be_kept =
		spool_sink_refuses(sink->association, &has_backlog) == REASON_NONE;
	if (sink->may_be_kept && (has_backlog || clock_ms() < sink->away_until_ms)) {
		struct sink_failure spool;

		snprintf(sink->why.detail, sizeof(sink->why.detail), "%s",
			 has_backlog ? "earlier ones wait there"
				     : "the destination failed a moment ago");
		if (begin_to_seal(sink, &spool) == 0)
			return 0;
	}
	if (sink->destination.begin(sink->destination.context, request, ret) == 0) {
		sink->goes_to_destination = true;
		return 0;
	}
	return turn_to_spool(sink, ret);
}

static int early(void *context, struct command_message *ret_answer,
		 struct sink_failure *ret)
{
	struct fallback_sink *sink = context;
	int came = 0;

	if (sink->goes_to_destination)
		came = sink->destination.early(sink->destination.context, ret_answer,
					       ret);
	if (came < 0)
		return turn_to_spool(sink, ret);
	if (came > 0 && may_pass(ret_answer->command.status) && sink->may_be_kept) {
		note_status(sink, ret_answer->command.status);
		*ret = sink->why;
		return turn_to_spool(sink, ret);
	}
	/* The modality hears that refusal, also when the connection ends now. */
	if (came > 0 && !command_status_stored(ret_answer->command.status))
		sink->may_be_kept = false;
	return came;
}

/* A spool that fails stops nothing that still goes to the destination. */
static void keep(struct fallback_sink *sink, const struct ul_pdv *pdv)
{
	struct sink_failure failure;

	if (!sink->may_be_kept)
		return;
	if (!sink->goes_to_spool && sink->size + pdv->size <= MEMORY_MAX) {
		memcpy(sink->memory + sink->size, pdv->data, pdv->size);
		sink->size += pdv->size;
		return;
	}
	if (!sink->goes_to_spool && begin_to_seal(sink, &failure) != 0)
		return;
	if (sink->spool.fragment(sink->spool.context, pdv, &failure) != 0)
		sink->may_be_kept = sink->goes_to_spool = false;
}

static int fragment(void *context, const struct ul_pdv *pdv, struct sink_failure *ret)
{
	struct fallback_sink *sink = context;
	int rc;

	if (!sink->goes_to_destination)
		return sink->spool.fragment(sink->spool.context, pdv, ret);
	rc = sink->destination.fragment(sink->destination.context, pdv, ret);
	sink->may_be_there = rc == 0 && pdv->last;
	keep(sink, pdv);
	return rc == 0 ? 0 : turn_to_spool(sink, ret);
}

/* 0 with the destination's own answer; 1 when the spool is to have it, and sink->why says
 * why; -1 with the failure. */
MUST_USE static int ask_destination(struct fallback_sink *sink,
				    struct command_message *ret_answer,
				    struct sink_failure *ret)
{
	if (!sink->goes_to_destination)
		return 1;
	if (sink->destination.finish(sink->destination.context, ret_answer, ret) != 0)
		return turn_to_spool(sink, ret) == 0 ? 1 : -1;
	if (!may_pass(ret_answer->command.status) || !sink->may_be_kept)
		return 0;
	sink->may_be_there = false; /* it has said so */
	note_status(sink, ret_answer->command.status);
	*ret = sink->why;
	return turn_to_spool(sink, ret) == 0 ? 1 : 0;
}

/* The reason is why the destination doesn't have it. */
static void explain(const struct fallback_sink *sink, struct sink_failure *ret)
{
	size_t used = strlen(ret->detail);

	if (ret->reason == REASON_NONE)
		ret->reason = sink->why.reason;
	if (sink->why.detail[0])
		snprintf(ret->detail + used, sizeof(ret->detail) - used, "; %s",
			 sink->why.detail);
}

static int finish(void *context, struct command_message *ret_answer,
		  struct sink_failure *ret)
{
	struct fallback_sink *sink = context;
	int rc = ask_destination(sink, ret_answer, ret);

	if (rc == 1) {
		rc = sink->spool.finish(sink->spool.context, ret_answer, ret);
		if (rc == 1)
			explain(sink, ret);
		else if (sink->may_be_there)
			ret->went_nowhere = false;
	} else {
		sink->spool.abort(sink->spool.context);
	}
	forget(sink);
	return rc;
}

static void settle(void *context)
{
	struct fallback_sink *sink = context;

	sink->spool.settle(sink->spool.context);
}

static void abort_sink(void *context)
{
	struct fallback_sink *sink = context;

	sink->destination.abort(sink->destination.context);
	sink->spool.abort(sink->spool.context);
	forget(sink);
}

int fallback_sink_set_up(struct association *association, const struct sink *spool)
{
	struct fallback_sink *sink = &association->fallback;

	sink->association = association;
	sink->destination = association->sink;
	sink->spool = *spool;
	sink->memory = malloc(MEMORY_MAX);
	association->sink = (struct sink){ .context = sink,
					   .begin = begin,
					   .early = early,
					   .fragment = fragment,
					   .finish = finish,
					   .settle = settle,
					   .abort = abort_sink };
	return sink->memory ? 0 : -1;
}
