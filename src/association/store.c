/*
 * One C-STORE (PS3.7 9.1.1, PS3.4 Annex B), cut-through: judged, passed on fragment by
 * fragment while it is hashed, answered as the destination answers, after its record.
 */
#include "services.h"

#include <errno.h>
#include <string.h>

#include "instance.h"
#include "internal.h"
#include "messages.h"

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"

/* A study of 3,000 objects that are all refused gets 3,000 answers; a modality that sends
 * for ever in vain is a burden to the others. */
#define IN_VAIN_MAX 5000

/* PS3.4 table B.2-1 leaves the last two digits to the SCP: 1 is "no way to the PACS". */
static uint16_t status_of(enum reason reason)
{
	switch (reason) {
	case REASON_DESTINATION_UNREACHABLE:
	case REASON_DESTINATION_TLS:
	case REASON_DESTINATION_NAME:
	case REASON_DESTINATION_REJECTED:
	case REASON_DESTINATION_LOST:
	case REASON_DESTINATION_TIMEOUT:
		return STATUS_OUT_OF_RESOURCES + 1;
	default:
		return STATUS_OUT_OF_RESOURCES;
	}
}

/* The sink failed: what it has of the instance must never look whole. */
static void give_up_sink(struct association *association, struct instance *instance,
			 const struct sink_failure *failure)
{
	association->sink.abort(association->sink.context);
	instance_conclude(instance,
			  instance->has_gone_out ? AUDIT_UNCONFIRMED : AUDIT_FAILED,
			  failure->reason, status_of(failure->reason), failure->detail);
}

static bool is_of_modality(enum reason reason)
{
	return reason == REASON_PEER_LOST || reason == REASON_PEER_ABORT;
}

static void open_sink(struct association *association, struct instance *instance)
{
	const struct sink *sink = &association->sink;
	struct sink_failure failure;

	if (report_begin(association, &instance->record) != 0) {
		instance_conclude(instance, AUDIT_FAILED, REASON_AUDIT_UNAVAILABLE,
				  STATUS_OUT_OF_RESOURCES, "the auditor is not there");
		return;
	}
	if (sink->begin(sink->context, &association->request, &failure) != 0) {
		if (is_of_modality(failure.reason))
			instance->left = failure.reason;
		give_up_sink(association, instance, &failure);
		return;
	}
	histogram_count(&association->supervision.figures.first_byte,
			clock_us() - association->request_began_us);
}

/* Between two PDUs of the modality. An early answer is kept until it has finished. */
static void hear_early(struct association *association, struct instance *instance)
{
	const struct sink *sink = &association->sink;
	struct sink_failure failure;
	int came;

	if (!instance->is_passed_on || instance->is_answered ||
	    ul_has_pdv(association->in.ul))
		return;
	came = sink->early(sink->context, &association->response, &failure);
	instance->is_answered = came > 0;
	if (came < 0)
		give_up_sink(association, instance, &failure);
}

/* The command was judged first, but the destination may file by what the data set says.
 * That is known before the last fragment goes out. */
static void judge_data_set(struct association *association, struct instance *instance)
{
	const char *sop_class = instance->head.sop_class;
	enum reason reason;

	instance_read_head(instance);
	if (!instance->is_passed_on || !sop_class[0] ||
	    strcmp(sop_class, instance->record.sop_class) == 0)
		return;
	reason = entry_judge(association, sop_class, NULL);
	if (reason == REASON_NONE)
		return;
	association->sink.abort(association->sink.context);
	instance->is_answered = false; /* our own answer counts */
	instance_conclude(instance, AUDIT_REFUSED, reason, STATUS_NOT_AUTHORISED, "");
}

static void pass_fragment_on(struct association *association, struct instance *instance,
			     const struct ul_pdv *pdv)
{
	const struct sink *sink = &association->sink;
	struct sink_failure failure;

	if (pdv->last && report_last_fragment(association) != 0) {
		failure = (struct sink_failure){ .reason = REASON_AUDIT_UNAVAILABLE,
						 .detail = "the auditor is not there" };
		give_up_sink(association, instance, &failure);
		return;
	}
	if (sink->fragment(sink->context, pdv, &failure) == 0) {
		instance->has_gone_out = pdv->last;
		instance->last_sent_us = clock_us();
		return;
	}
	if (!instance->is_answered) {
		give_up_sink(association, instance, &failure);
		return;
	}
	/* The sink has refused and listens no more: its answer still stands. */
	sink->abort(sink->context);
	instance->is_passed_on = false;
}

/* An object over the limit fails, but its sender deserves an answer: the rest is read for
 * as long as a destination may take for one. 0, or -1 when that is over. */
MUST_USE static int check_size(struct association *association, struct instance *instance)
{
	const struct config_limits *limits = &association->config->limits;
	struct sink_failure failure = {
		.reason = REASON_LIMIT_OBJECT,
		.detail = "larger than limits.max_object_bytes",
	};

	if (instance->record.bytes <= limits->max_object_bytes)
		return 0;
	if (instance->drain_end_ms == 0) {
		instance->drain_end_ms =
			clock_ms() + (int64_t)limits->response_seconds * 1000;
		if (instance->is_passed_on || instance->is_answered)
			give_up_sink(association, instance, &failure);
		instance->is_answered = false; /* our own answer counts */
	}
	return clock_ms() < instance->drain_end_ms ? 0 : -1;
}

MUST_USE static int lost_modality(struct association *association,
				  const struct instance *instance, enum ul_event event,
				  struct ending *ending)
{
	if (event == UL_CLOSED && instance->left != REASON_NONE)
		ending_set(ending, AUDIT_ABORTED, instance->left, PARTING_SILENT,
			   "the modality left within an object");
	else
		ending_of_leg(&association->in, event, ending);
	return -1;
}

MUST_USE static int finish_digest(struct association *association,
				  struct instance *instance)
{
	uint8_t sum[DIGEST_SIZE];

	if (digest_finish(association->digest, sum) != 0)
		return -1;
	digest_hex(sum, sizeof(sum), instance->record.sha256);
	return 0;
}

MUST_USE static int take_fragment(struct association *association,
				  struct instance *instance, const struct ul_pdv *pdv,
				  struct ending *ending)
{
	instance_take(instance, pdv);
	instance->record.bytes += (int64_t)pdv->size;
	association->supervision.figures.bytes += pdv->size;
	if (check_size(association, instance) != 0) {
		ending_abort(ending, REASON_LIMIT_OBJECT,
			     "it did not end long after limits.max_object_bytes");
		return -1;
	}
	if (pdv->last)
		judge_data_set(association, instance);
	if (instance->is_passed_on)
		pass_fragment_on(association, instance, pdv);
	/* Hashed while the destination works on it. */
	if (digest_update(association->digest, pdv->data, pdv->size) == 0)
		return 0;
	ending_abort(ending, REASON_INTERNAL, "SHA-256 failed");
	return -1;
}

/* Reads the data set to its end, whatever becomes of it: 0; or -1 with the ending. */
MUST_USE static int take_data_set(struct association *association,
				  struct instance *instance, struct ending *ending)
{
	struct ul_pdv pdv = { .last = false };
	bool hashing = digest_start(association->digest) == 0;

	if (!association->request.command.has_data_set)
		return 0;
	instance->record.bytes = 0;
	while (!pdv.last) {
		enum ul_event event;

		hear_early(association, instance);
		event = ul_read(association->in.ul, &pdv);
		if (event != UL_PDV || pdv.command ||
		    pdv.context != association->request.context)
			return lost_modality(association, instance, event, ending);
		if (take_fragment(association, instance, &pdv, ending) != 0)
			return -1;
	}
	if (hashing && finish_digest(association, instance) == 0)
		return 0;
	ending_abort(ending, REASON_INTERNAL, "SHA-256 failed");
	return -1;
}

/* The sink's answer, unless the transfer has failed. */
static void take_answer(struct association *association, struct instance *instance)
{
	const struct command_set *answer = &association->response.command;
	const struct sink *sink = &association->sink;
	struct sink_failure failure;

	if (instance->is_passed_on) {
		if (sink->finish(sink->context, &association->response, &failure) != 0) {
			give_up_sink(association, instance, &failure);
			return;
		}
		if (!instance->is_answered)
			instance->record.wait_ms =
				(clock_us() - instance->last_sent_us) / 1000;
		instance->is_answered = true;
	}
	if (!instance->is_answered)
		return;
	instance->record.status = answer->status;
	if (command_status_stored(answer->status))
		instance->record.outcome = AUDIT_FORWARDED;
	else
		instance_conclude(instance, AUDIT_FAILED, REASON_DESTINATION_STATUS,
				  answer->status, "");
}

/* No auditor has the record yet. Whether one has it now; else the association's end tries
 * once more. */
static bool record_again(struct association *association, const struct instance *instance,
			 enum audit_taken taken)
{
	if (report_again(association, &instance->record, taken) != 0) {
		association->report.unrecorded = &instance->record;
		return false;
	}
	report_instance_ended(association);
	return true;
}

/* The modality is gone, or is to be sent away: the record says so, and the modality gets
 * no response. */
static void fail_with_modality(struct association *association, struct instance *instance,
			       const struct ending *ending)
{
	enum audit_taken taken;

	association->sink.abort(association->sink.context);
	if (instance->record.reason == REASON_NONE)
		instance_conclude(instance,
				  instance->has_gone_out ? AUDIT_UNCONFIRMED
							 : AUDIT_FAILED,
				  ending->reason, STATUS_SUCCESS, ending->detail);
	instance_complete(association, instance);
	instance->record.status = -1; /* none was given */
	taken = report_instance(association, &instance->record);
	if (!report_is_recorded(taken))
		record_again(association, instance, taken);
}

MUST_USE static int answer_modality(struct association *association,
				    const struct instance *instance,
				    struct ending *ending)
{
	const struct audit_record *record = &instance->record;

	if (instance->is_answered)
		return messages_pass_response(association, ending);
	if (is_of_modality(record->reason)) {
		ending_set(ending, AUDIT_ABORTED, record->reason, PARTING_SILENT, "%.*s",
			   (int)instance->why_length, record->detail);
		return -1;
	}
	if (messages_respond(association, instance->status, reason_name(record->reason),
			     ending) != 0)
		return -1;
	if (record->reason != REASON_DESTINATION_CONTEXT &&
	    record->reason != REASON_REVOKED_WHILE_OPEN)
		return 0;
	/* What the modality was told of its contexts, or of itself, is no longer true. */
	ending_abort(ending, record->reason, "%.*s", (int)instance->why_length,
		     record->detail);
	return -1;
}

MUST_USE static int refuse_unrecorded(struct association *association,
				      struct ending *ending)
{
	return messages_respond(association, STATUS_OUT_OF_RESOURCES,
				reason_name(REASON_AUDIT_UNAVAILABLE), ending);
}

/* In the system's words. */
static const char *why_not_taken(enum audit_taken taken)
{
	return strerror(taken == AUDIT_KEPT   ? ENOSPC
			: taken == AUDIT_SLOW ? ETIMEDOUT
					      : EPIPE);
}

/* The record is not known to be durable. The modality may not be told of success then: it
 * is told of a failure, and the record is corrected. */
MUST_USE static int fail_with_auditor(struct association *association,
				      struct instance *instance, enum audit_taken taken,
				      struct ending *ending)
{
	bool forwarded = instance->record.outcome == AUDIT_FORWARDED;

	log_error("the audit log took no record of an instance: %s",
		  why_not_taken(taken));
	audit_record_doubt(&instance->record);
	/* The auditor keeps the record, and corrects it itself. */
	if (taken == AUDIT_KEPT)
		return forwarded ? refuse_unrecorded(association, ending)
				 : answer_modality(association, instance, ending);
	/* The auditor has died: its successor gets the record. Or the auditor is slow:
	 * the first record stands in its queue, and this one corrects that. */
	if (record_again(association, instance, taken) && !forwarded)
		return answer_modality(association, instance, ending);
	if (refuse_unrecorded(association, ending) == 0)
		ending_abort(ending, REASON_AUDIT_UNAVAILABLE,
			     "the auditor did not answer in time");
	return -1;
}

/* Counts the instances in vain between two that were stored. Those that the destination
 * refuses do not count: it may have the study already. 0; or -1 with the ending when they
 * are too many. */
MUST_USE static int judge_run(struct association *association,
			      const struct instance *instance, struct ending *ending)
{
	if (instance->record.outcome == AUDIT_FORWARDED)
		association->in_vain = 0;
	else
		association->in_vain += audit_record_is_in_vain(&instance->record);
	if (association->in_vain < IN_VAIN_MAX)
		return 0;
	ending_abort(ending, REASON_LIMIT_REFUSALS,
		     "%u instances were refused and none was stored between them, "
		     "the last: %s",
		     association->in_vain, reason_name(instance->record.reason));
	return -1;
}

/* The whole instance has been read. */
MUST_USE static int answer_instance(struct association *association,
				    struct instance *instance, struct ending *ending)
{
	enum audit_taken taken;
	int done;

	take_answer(association, instance);
	instance_complete(association, instance);
	association->supervision.figures.instances++;
	taken = report_instance(association, &instance->record);
	done = report_is_recorded(taken)
		       ? answer_modality(association, instance, ending)
		       : fail_with_auditor(association, instance, taken, ending);
	return done == 0 ? judge_run(association, instance, ending) : done;
}

static struct instance in_hand; /* one at a time in a process */

void store_record_unread(struct association *association, const struct ending *ending)
{
	instance_begin(association, &in_hand);
	fail_with_modality(association, &in_hand, ending);
}

MUST_USE static int store_instance(struct association *association, struct ending *ending)
{
	int done;

	instance_begin(association, &in_hand);
	instance_judge(association, &in_hand);
	if (in_hand.is_passed_on)
		open_sink(association, &in_hand);
	done = take_data_set(association, &in_hand, ending);
	pace_stop(&association->pace);
	if (done == 0)
		return answer_instance(association, &in_hand, ending);
	fail_with_modality(association, &in_hand, ending);
	return -1;
}

int store_perform(struct association *association, struct ending *ending)
{
	int done;

	if (waiting_for_turn(association) != 0) {
		ending_of_leg(&association->in, UL_CLOSED, ending);
		store_record_unread(association, ending);
		return -1;
	}
	association->instance_in_hand = true;
	done = store_instance(association, ending);
	association->instance_in_hand = false;
	return done;
}
