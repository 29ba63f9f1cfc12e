/*
 * One C-STORE (PS3.7 9.1.1, PS3.4 Annex B), cut-through: judged, passed on fragment by
 * fragment while it is hashed, answered as the destination answers, after its record.
 */
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/dicom/sop_class.h"

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

/* The instance does not go on: what is recorded, and our own status for the modality. */
static void conclude(struct association *association, enum audit_outcome outcome,
		     enum reason reason, uint16_t status, const char *detail)
{
	struct audit_record *record = &association->report.instance;

	association->instance.is_passed_on = false;
	association->instance.status = status;
	record->outcome = outcome;
	record->reason = reason;
	snprintf(record->detail, sizeof(record->detail), "%s", detail);
}

/* Whether the command makes sense. */
static bool check_command(struct association *association)
{
	const struct command_set *command = &association->request.command;
	const char *syntax = ul_context_abstract_syntax(association->in.ul,
							association->request.context);

	if (!syntax || !sop_class_is_storage(syntax))
		conclude(association, AUDIT_FAILED, REASON_MALFORMED,
			 STATUS_UNRECOGNISED_OPERATION,
			 "a C-STORE-RQ on another service's presentation context");
	else if (command->fault)
		conclude(association, AUDIT_FAILED, REASON_MALFORMED,
			 STATUS_CANNOT_UNDERSTAND, command->fault);
	else if (!command->has_data_set || !command->sop_class[0] ||
		 !command->sop_instance[0])
		conclude(association, AUDIT_FAILED, REASON_MALFORMED,
			 STATUS_CANNOT_UNDERSTAND,
			 "a C-STORE-RQ without SOP class, SOP instance or data set");
	else
		return true;
	return false;
}

/* Promise 2: each instance is judged anew. */
static void judge_instance(struct association *association)
{
	enum reason reason;
	const char *why;

	if (!check_command(association))
		return;
	reason = entry_judge_instance(association, &why);
	association->instance.is_passed_on = reason == REASON_NONE;
	if (reason != REASON_NONE)
		conclude(association, AUDIT_REFUSED, reason, STATUS_NOT_AUTHORISED, why);
}

static enum audit_outcome outcome_so_far(const struct association *association)
{
	return association->instance.has_gone_out ? AUDIT_UNCONFIRMED : AUDIT_FAILED;
}

/* The sink failed: what it has of the instance must never look whole. */
static void give_up_sink(struct association *association,
			 const struct sink_failure *failure)
{
	association->sink.abort(association->sink.context);
	conclude(association,
		 failure->went_nowhere ? AUDIT_FAILED : outcome_so_far(association),
		 failure->reason, status_of(failure->reason), failure->detail);
}

static bool is_of_modality(enum reason reason)
{
	return reason == REASON_PEER_LOST || reason == REASON_PEER_ABORT;
}

static const struct sink_failure no_auditor = { .reason = REASON_AUDIT_UNAVAILABLE,
						.detail = "the auditor is not there" };

static void open_sink(struct association *association)
{
	const struct sink *sink = &association->sink;
	struct sink_failure failure;

	if (report_begin(association) != 0) {
		give_up_sink(association, &no_auditor);
		return;
	}
	if (sink->begin(sink->context, &association->request, &failure) != 0) {
		if (is_of_modality(failure.reason))
			association->instance.left = failure.reason;
		give_up_sink(association, &failure);
		return;
	}
	histogram_count(&association->supervision.figures.first_byte,
			clock_us() - association->request_began_us);
}

/* Between two PDUs of the modality. An early answer is kept until it has finished. */
static void hear_early(struct association *association)
{
	const struct sink *sink = &association->sink;
	struct instance *instance = &association->instance;
	struct sink_failure failure;
	int came;

	if (!instance->is_passed_on || instance->is_answered ||
	    ul_has_pdv(association->in.ul))
		return;
	came = sink->early(sink->context, &association->response, &failure);
	instance->is_answered = came > 0;
	if (came < 0)
		give_up_sink(association, &failure);
}

/* The command was judged first, but the destination may file by what the data set says.
 * That is known before the last fragment goes out. */
static void judge_data_set(struct association *association)
{
	struct instance *instance = &association->instance;
	const char *sop_class = report_read_head(association)->sop_class;
	enum reason reason;

	if (!instance->is_passed_on || !sop_class[0] ||
	    strcmp(sop_class, association->report.instance.sop_class) == 0)
		return;
	reason = entry_judge_sop_class(association, sop_class);
	if (reason == REASON_NONE)
		return;
	association->sink.abort(association->sink.context);
	instance->is_answered = false; /* our own answer counts */
	conclude(association, AUDIT_REFUSED, reason, STATUS_NOT_AUTHORISED, "");
}

static void pass_fragment_on(struct association *association, const struct ul_pdv *pdv)
{
	const struct sink *sink = &association->sink;
	struct instance *instance = &association->instance;
	struct sink_failure failure;

	if (pdv->last && report_last_fragment(association) != 0) {
		give_up_sink(association, &no_auditor);
		return;
	}
	if (sink->fragment(sink->context, pdv, &failure) == 0) {
		instance->has_gone_out = pdv->last;
		instance->last_sent_us = clock_us();
		return;
	}
	if (!instance->is_answered) {
		give_up_sink(association, &failure);
		return;
	}
	/* The sink has refused and listens no more: its answer still stands. */
	association->sink.abort(association->sink.context);
	instance->is_passed_on = false;
}

/* An object over the limit fails, but its sender deserves an answer: the rest is read for
 * as long as a destination may take for one. 0, or -1 when that is over. */
MUST_USE static int check_size(struct association *association)
{
	static const struct sink_failure too_large = {
		.reason = REASON_LIMIT_OBJECT,
		.detail = "larger than limits.max_object_bytes",
	};
	const struct config_limits *limits = &association->config->limits;
	struct instance *instance = &association->instance;

	if (association->report.instance.bytes <= limits->max_object_bytes)
		return 0;
	if (instance->drain_end_ms == 0) {
		instance->drain_end_ms =
			clock_ms() + (int64_t)limits->response_seconds * 1000;
		if (instance->is_passed_on || instance->is_answered)
			give_up_sink(association, &too_large);
		instance->is_answered = false; /* our own answer counts */
	}
	return clock_ms() < instance->drain_end_ms ? 0 : -1;
}

MUST_USE static int take_fragment(struct association *association,
				  const struct ul_pdv *pdv)
{
	report_keep_head(association, pdv);
	association->report.instance.bytes += (int64_t)pdv->size;
	association->supervision.figures.bytes += pdv->size;
	if (check_size(association) != 0)
		return ending_abort(association, REASON_LIMIT_OBJECT,
				    "it did not end long after limits.max_object_bytes");
	if (pdv->last)
		judge_data_set(association);
	if (association->instance.is_passed_on)
		pass_fragment_on(association, pdv);
	/* Hashed while the destination works on it. */
	if (digest_update(association->digest, pdv->data, pdv->size) == 0)
		return 0;
	return ending_abort(association, REASON_INTERNAL, "SHA-256 failed");
}

static int lose_modality(struct association *association, enum ul_event event)
{
	enum reason left = association->instance.left;

	if (event == UL_CLOSED && left != REASON_NONE)
		return ending_set(association, AUDIT_ABORTED, left, LAST_PDU_NONE,
				  "the modality left within an object");
	return ending_of_leg(association, event);
}

/* Reads the data set to its end, whatever becomes of it: 0; or -1 with the ending. */
MUST_USE static int take_data_set(struct association *association)
{
	struct audit_record *record = &association->report.instance;
	struct ul_pdv pdv = { .last = false };
	bool hashing = digest_start(association->digest) == 0;

	if (!association->request.command.has_data_set)
		return 0;
	record->bytes = 0;
	while (!pdv.last) {
		enum ul_event event;

		hear_early(association);
		event = ul_read(association->in.ul, &pdv);
		if (event != UL_PDV || pdv.command ||
		    pdv.context != association->request.context)
			return lose_modality(association, event);
		if (take_fragment(association, &pdv) != 0)
			return -1;
	}
	if (!hashing || digest_finish(association->digest, association->sha256) != 0)
		return ending_abort(association, REASON_INTERNAL, "SHA-256 failed");
	digest_hex(association->sha256, sizeof(association->sha256), record->sha256);
	return 0;
}

/* The gateway has the instance itself, and answers. */
static void take_kept(struct association *association, const struct sink_failure *why)
{
	uint16_t status = association->response.command.status;

	association->instance.is_kept = association->instance.is_answered = true;
	conclude(association,
		 command_status_stored(status) ? AUDIT_SPOOLED : AUDIT_FAILED,
		 why->reason, status, why->detail);
	association->report.instance.status = status;
}

/* The sink's answer, unless the transfer has failed. */
static void take_answer(struct association *association)
{
	const struct command_set *answer = &association->response.command;
	struct audit_record *record = &association->report.instance;
	struct instance *instance = &association->instance;
	const struct sink *sink = &association->sink;
	struct sink_failure failure;

	if (instance->is_passed_on) {
		int end = sink->finish(sink->context, &association->response, &failure);

		if (end > 0)
			take_kept(association, &failure);
		if (end < 0)
			give_up_sink(association, &failure);
		if (end != 0)
			return;
		if (!instance->is_answered)
			record->wait_ms = (clock_us() - instance->last_sent_us) / 1000;
		instance->is_answered = true;
	}
	if (!instance->is_answered)
		return;
	record->status = answer->status;
	if (command_status_stored(answer->status))
		record->outcome = AUDIT_FORWARDED;
	else
		conclude(association, AUDIT_FAILED, REASON_DESTINATION_STATUS,
			 answer->status, "");
}

/* The modality is gone, or is to be sent away: the record says so, and the modality gets
 * no response. */
static void fail_with_modality(struct association *association)
{
	const struct ending *ending = &association->ending;
	struct audit_record *record = &association->report.instance;
	enum audit_taken taken;

	association->sink.abort(association->sink.context);
	if (record->reason == REASON_NONE)
		conclude(association, outcome_so_far(association), ending->reason,
			 STATUS_SUCCESS, ending->detail);
	report_complete_instance(association);
	record->status = -1; /* none was given */
	taken = report_instance(association);
	if (taken == AUDIT_SLOW || taken == AUDIT_GONE)
		report_instance_again(association, taken);
}

/* With a response of our own. */
static enum service_end answer_with_reason(struct association *association,
					   uint16_t status, enum reason reason)
{
	struct command_message *response = &association->response;

	response->size = command_response(&association->request.command, status,
					  reason_name(reason), response->bytes);
	return SERVICE_ANSWERS;
}

MUST_USE static enum service_end answer_modality(struct association *association)
{
	const struct audit_record *record = &association->report.instance;
	const struct instance *instance = &association->instance;
	int why_length = (int)instance->why_length;

	if (instance->is_answered)
		return SERVICE_ANSWERS;
	if (is_of_modality(record->reason)) {
		ending_set(association, AUDIT_ABORTED, record->reason, LAST_PDU_NONE,
			   "%.*s", why_length, record->detail);
		return SERVICE_ENDS;
	}
	answer_with_reason(association, instance->status, record->reason);
	if (record->reason != REASON_DESTINATION_CONTEXT &&
	    record->reason != REASON_REVOKED_WHILE_OPEN)
		return SERVICE_ANSWERS;
	/* What the modality was told of its contexts, or of itself, is no longer true. */
	ending_abort(association, record->reason, "%.*s", why_length, record->detail);
	return SERVICE_ANSWERS_LAST;
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
MUST_USE static enum service_end fail_with_auditor(struct association *association,
						   enum audit_taken taken)
{
	struct audit_record *record = &association->report.instance;
	bool is_stored =
		record->outcome == AUDIT_FORWARDED || record->outcome == AUDIT_SPOOLED;

	log_error("the audit log took no record of an instance: %s",
		  why_not_taken(taken));
	audit_record_doubt(record);
	/* The auditor has died: its successor gets the record. Or the auditor is slow:
	 * the first record stands in its queue, and this one corrects that. An auditor
	 * that keeps the record corrects it itself. */
	if (taken != AUDIT_KEPT)
		taken = report_instance_again(association, taken);
	if (!is_stored && (taken == AUDIT_KEPT || report_is_recorded(taken)))
		return answer_modality(association);
	answer_with_reason(association, STATUS_OUT_OF_RESOURCES,
			   REASON_AUDIT_UNAVAILABLE);
	if (taken == AUDIT_KEPT)
		return SERVICE_ANSWERS;
	ending_abort(association, REASON_AUDIT_UNAVAILABLE,
		     "no auditor recorded the last instance in time");
	return SERVICE_ANSWERS_LAST;
}

/* Counts an instance that came in vain, or begins anew after one that was stored. Those
 * that the destination refuses do not count: it may have the study already. Returns
 * whether there are too many in a row. */
static bool count_in_vain(struct association *association)
{
	const struct audit_record *record = &association->report.instance;

	if (record->outcome == AUDIT_FORWARDED || record->outcome == AUDIT_SPOOLED)
		association->in_vain = 0;
	else
		association->in_vain += audit_record_is_in_vain(record);
	return association->in_vain >= IN_VAIN_MAX;
}

static void begin_instance(struct association *association)
{
	association->instance = (struct instance){ .is_passed_on = false };
	report_new_instance(association);
}

void store_record_unread(struct association *association)
{
	begin_instance(association);
	fail_with_modality(association);
}

/* The whole instance has been read. */
MUST_USE static enum service_end end_instance(struct association *association)
{
	enum audit_taken taken;
	enum service_end end;

	report_name_instance(association);
	take_answer(association);
	report_complete_instance(association);
	association->supervision.figures.instances++;
	taken = report_instance(association);
	end = report_is_recorded(taken) ? answer_modality(association)
					: fail_with_auditor(association, taken);
	/* Before the modality hears of it: it is in the spool for good. */
	if (association->instance.is_kept)
		association->sink.settle(association->sink.context);
	if (end != SERVICE_ANSWERS || !count_in_vain(association))
		return end;
	ending_abort(association, REASON_LIMIT_REFUSALS,
		     "%u instances were refused and none was stored between them, "
		     "the last: %s",
		     association->in_vain,
		     reason_name(association->report.instance.reason));
	return SERVICE_ANSWERS_LAST;
}

enum service_end store_perform(struct association *association)
{
	int done;

	if (waiting_for_turn(association) != 0) {
		ending_of_leg(association, UL_CLOSED);
		store_record_unread(association);
		return SERVICE_ENDS;
	}
	association->instance_in_hand = true; /* until it is answered */
	begin_instance(association);
	judge_instance(association);
	if (association->instance.is_passed_on)
		open_sink(association);
	done = take_data_set(association);
	pace_stop(&association->pace);
	if (done == 0)
		return end_instance(association);
	fail_with_modality(association);
	return SERVICE_ENDS;
}
