/*
 * One C-STORE (PS3.7 9.1.1, PS3.4 Annex B), cut-through: judged, passed on fragment by
 * fragment while it is hashed, answered as the destination answers, after its record.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"
#include "cathgate/dicom/sop_class.h"

/* A study of 3,000 objects that are all refused gets 3,000 answers; a modality that sends
 * for ever in vain is a burden to the others. */
#define IN_VAIN_MAX 5000

/* What has become of one instance so far. */
struct transfer {
	struct audit_record record;
	bool forwarding;      /* the destination is to have what comes */
	bool answered;	      /* association->response holds its answer */
	bool went_out;	      /* its last fragment did */
	uint16_t status;      /* ours, when the destination's isn't passed on */
	size_t why_length;    /* of the record's detail; what follows are notes */
	int64_t last_sent_us; /* when the last fragment had gone out */
	int64_t drain_end_ms; /* an object over the limit is read no longer than that */
	struct head head;
};

static void conclude(struct transfer *transfer, enum audit_outcome outcome,
		     enum reason reason, uint16_t status, const char *detail)
{
	transfer->forwarding = false;
	transfer->record.outcome = outcome;
	transfer->record.reason = reason;
	transfer->status = status;
	snprintf(transfer->record.detail, sizeof(transfer->record.detail), "%s", detail);
}

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

static void begin_record(const struct association *association, struct transfer *transfer)
{
	const struct message *request = &association->request;
	struct audit_record *record = &transfer->record;
	const char *syntax =
		ul_context_transfer_syntax(association->in.ul, request->context);

	*record = association->record;
	record->event = AUDIT_INSTANCE;
	snprintf(record->sop_class, sizeof(record->sop_class), "%s",
		 request->command.sop_class);
	snprintf(record->sop_instance, sizeof(record->sop_instance), "%s",
		 request->command.sop_instance);
	snprintf(record->transfer_syntax, sizeof(record->transfer_syntax), "%s",
		 syntax ? syntax : "");
}

static bool on_storage_context(const struct association *association)
{
	const char *syntax = ul_context_abstract_syntax(association->in.ul,
							association->request.context);

	return syntax && sop_class_is_storage(syntax);
}

/* Promise 2: each instance is judged anew. */
static void judge(const struct association *association, struct transfer *transfer)
{
	const struct command_set *command = &association->request.command;
	enum reason reason;

	if (!on_storage_context(association)) {
		conclude(transfer, AUDIT_FAILED, REASON_MALFORMED,
			 STATUS_UNRECOGNISED_OPERATION,
			 "a C-STORE-RQ on another service's presentation context");
		return;
	}
	if (command->fault) {
		conclude(transfer, AUDIT_FAILED, REASON_MALFORMED,
			 STATUS_CANNOT_UNDERSTAND, command->fault);
		return;
	}
	if (!command->has_data_set || !command->sop_class[0] ||
	    !command->sop_instance[0]) {
		conclude(transfer, AUDIT_FAILED, REASON_MALFORMED,
			 STATUS_CANNOT_UNDERSTAND,
			 "a C-STORE-RQ without SOP class, SOP instance or data set");
		return;
	}
	if (association->revoked != REASON_NONE) {
		conclude(transfer, AUDIT_REFUSED, REASON_REVOKED_WHILE_OPEN,
			 STATUS_NOT_AUTHORISED, association->revoked_why);
		return;
	}
	if (association->authenticated &&
	    time(NULL) > tls_trusted_until(&association->peer)) {
		conclude(transfer, AUDIT_REFUSED, tls_trust_ended(&association->peer),
			 STATUS_NOT_AUTHORISED,
			 "the modality's certificate or its CRL went out of date while "
			 "the association was open");
		return;
	}
	reason = revision_judge(association, command->sop_class,
				command->has_move_originator ? &command->move_originator
							     : NULL);
	if (reason != REASON_NONE)
		conclude(transfer, AUDIT_REFUSED, reason, STATUS_NOT_AUTHORISED,
			 reason == REASON_REVOKED_WHILE_OPEN
				 ? "its entry does not allow this instance any more"
				 : "");
	else
		transfer->forwarding = true;
}

/* The destination failed: what it has of the object must never look whole. */
static void give_up(struct association *association, struct transfer *transfer,
		    const struct relay_failure *failure)
{
	relay_abort(association);
	conclude(transfer, transfer->went_out ? AUDIT_UNCONFIRMED : AUDIT_FAILED,
		 failure->reason, status_of(failure->reason), failure->detail);
}

static void open_transfer(struct association *association, struct transfer *transfer)
{
	struct relay_failure failure;

	if (report_begin(association, &transfer->record) != 0) {
		conclude(transfer, AUDIT_FAILED, REASON_AUDIT_UNAVAILABLE,
			 STATUS_OUT_OF_RESOURCES, "the auditor is not there");
		return;
	}
	if (relay_ready(association, &failure) != 0 ||
	    relay_command(association, &failure) != 0) {
		give_up(association, transfer, &failure);
		return;
	}
	histogram_count(&association->figures.first_byte,
			clock_us() - association->request.began_us);
}

/* Between two PDUs of the modality. A destination may answer early, to refuse (PS3.7
 * 9.1.1); the modality hears it when it has finished. Success before the end is none. */
static void hear_early(struct association *association, struct transfer *transfer)
{
	struct relay_failure failure;

	if (!transfer->forwarding || transfer->answered ||
	    ul_has_pdv(association->in.ul) || ul_peek(association->out.ul) == UL_PDU_NONE)
		return;
	if (relay_response(association, &failure) != 0) {
		give_up(association, transfer, &failure);
		return;
	}
	if (command_status_stored(association->response.command.status)) {
		failure = (struct relay_failure){
			.reason = REASON_DESTINATION_PROTOCOL,
			.detail = "the destination reported success before the object's "
				  "end",
		};
		give_up(association, transfer, &failure);
		return;
	}
	transfer->answered = true;
	leg_silence(&association->out, association->config->limits.response_seconds,
		    REASON_DESTINATION_TIMEOUT);
}

/* What the command says was judged first; what the data set says is what the destination
 * may file by, and it is known before the last fragment goes out. */
static void judge_data_set(struct association *association, struct transfer *transfer)
{
	const char *sop_class = transfer->head.found.sop_class;
	enum reason reason;

	head_read(&transfer->head, transfer->record.transfer_syntax);
	if (!transfer->forwarding || !sop_class[0] ||
	    strcmp(sop_class, transfer->record.sop_class) == 0)
		return;
	reason = revision_judge(association, sop_class, NULL);
	if (reason == REASON_NONE)
		return;
	relay_abort(association);
	transfer->answered = false; /* our own answer counts */
	conclude(transfer, AUDIT_REFUSED, reason, STATUS_NOT_AUTHORISED, "");
}

static void forward(struct association *association, struct transfer *transfer,
		    const struct ul_pdv *pdv)
{
	struct relay_failure failure;

	if (pdv->last && report_last_fragment(association) != 0) {
		failure = (struct relay_failure){ .reason = REASON_AUDIT_UNAVAILABLE,
						  .detail = "the auditor is not there" };
		give_up(association, transfer, &failure);
		return;
	}
	if (ul_write(association->out.ul, pdv) == 0) {
		transfer->went_out = pdv->last;
		transfer->last_sent_us = clock_us();
		return;
	}
	relay_explain(association, UL_CLOSED, &failure);
	if (!transfer->answered) {
		give_up(association, transfer, &failure);
		return;
	}
	/* It has refused and listens no more: its answer still stands. */
	relay_abort(association);
	transfer->forwarding = false;
}

/* An object over the limit fails, but its sender deserves an answer: the rest is read for
 * as long as a destination may take for one. 0, or -1 when that is over. */
static int check_size(struct association *association, struct transfer *transfer)
{
	const struct config_limits *limits = &association->config->limits;
	struct relay_failure failure = {
		.reason = REASON_LIMIT_OBJECT,
		.detail = "larger than limits.max_object_bytes",
	};

	if (transfer->record.bytes <= limits->max_object_bytes)
		return 0;
	if (transfer->drain_end_ms == 0) {
		transfer->answered = false; /* our own answer counts */
		transfer->drain_end_ms =
			clock_ms() + (int64_t)limits->response_seconds * 1000;
		if (transfer->forwarding)
			give_up(association, transfer, &failure);
	}
	return clock_ms() < transfer->drain_end_ms ? 0 : -1;
}

static int lost_modality(struct association *association, enum ul_event event,
			 struct ending *ending)
{
	enum reason seen = association->out.interrupted;

	if (event == UL_CLOSED && (seen == REASON_PEER_LOST || seen == REASON_PEER_ABORT))
		ending_set(ending, AUDIT_ABORTED, seen, PARTING_SILENT,
			   "the modality left within an object");
	else
		ending_of_in(association, event, ending);
	return -1;
}

static int finish_digest(struct association *association, struct transfer *transfer)
{
	uint8_t sum[DIGEST_SIZE];

	if (digest_finish(association->digest, sum) != 0)
		return -1;
	digest_hex(sum, sizeof(sum), transfer->record.sha256);
	return 0;
}

static int take_fragment(struct association *association, struct transfer *transfer,
			 const struct ul_pdv *pdv, struct ending *ending)
{
	head_take(&transfer->head, pdv);
	transfer->record.bytes += (int64_t)pdv->size;
	association->figures.bytes += pdv->size;
	if (check_size(association, transfer) != 0) {
		ending_abort(ending, REASON_LIMIT_OBJECT,
			     "it did not end long after limits.max_object_bytes");
		return -1;
	}
	if (pdv->last)
		judge_data_set(association, transfer);
	if (transfer->forwarding)
		forward(association, transfer, pdv);
	/* Hashed while the destination works on it. */
	if (digest_update(association->digest, pdv->data, pdv->size) == 0)
		return 0;
	ending_abort(ending, REASON_INTERNAL, "SHA-256 failed");
	return -1;
}

/* Reads the data set to its end, whatever becomes of it: 0; or -1 with the ending. */
static int take_data_set(struct association *association, struct transfer *transfer,
			 struct ending *ending)
{
	struct ul_pdv pdv = { .last = false };
	bool hashing = digest_start(association->digest) == 0;

	if (!association->request.command.has_data_set)
		return 0;
	transfer->record.bytes = 0;
	while (!pdv.last) {
		enum ul_event event;

		hear_early(association, transfer);
		event = ul_read(association->in.ul, &pdv);
		if (event != UL_PDV || pdv.command ||
		    pdv.context != association->request.context)
			return lost_modality(association, event, ending);
		if (take_fragment(association, transfer, &pdv, ending) != 0)
			return -1;
	}
	if (hashing && finish_digest(association, transfer) == 0)
		return 0;
	ending_abort(ending, REASON_INTERNAL, "SHA-256 failed");
	return -1;
}

/* The destination's answer, unless the transfer has failed. */
static void take_answer(struct association *association, struct transfer *transfer)
{
	const struct command_set *answer = &association->response.command;
	struct relay_failure failure;

	if (transfer->answered) {
		/* It came early. Should there be another, it is not for the next object.
		 */
		relay_release(association);
	} else if (transfer->forwarding) {
		if (relay_response(association, &failure) != 0) {
			give_up(association, transfer, &failure);
			return;
		}
		transfer->answered = true;
		transfer->record.wait_ms = (clock_us() - transfer->last_sent_us) / 1000;
	}
	if (!transfer->answered)
		return;
	association->out_is_amid = false;
	transfer->record.status = answer->status;
	if (command_status_stored(answer->status))
		transfer->record.outcome = AUDIT_FORWARDED;
	else
		conclude(transfer, AUDIT_FAILED, REASON_DESTINATION_STATUS,
			 answer->status, "");
}

static void complete_record(const struct association *association,
			    struct transfer *transfer)
{
	struct audit_record *record = &transfer->record;

	transfer->why_length = strlen(record->detail);
	head_tell(&transfer->head, record);
	record->total_ms = (clock_us() - association->request.began_us) / 1000;
	if (!transfer->answered)
		record->status = transfer->status;
}

/* The modality is gone, or is to be sent away: the record says so, nobody is answered. */
static int fail_with_modality(struct association *association, struct transfer *transfer,
			      const struct ending *ending)
{
	relay_abort_message(association);
	if (transfer->record.reason == REASON_NONE)
		conclude(transfer, transfer->went_out ? AUDIT_UNCONFIRMED : AUDIT_FAILED,
			 ending->reason, STATUS_SUCCESS, ending->detail);
	complete_record(association, transfer);
	transfer->record.status = -1; /* none was given */
	if (report_instance(association, &transfer->record) == 0)
		return -1;
	if (report_again(association, &transfer->record, errno) == 0)
		report_instance_ended(association);
	else
		association->unrecorded = &transfer->record;
	return -1;
}

static int answer_modality(struct association *association, struct transfer *transfer,
			   struct ending *ending)
{
	const struct audit_record *record = &transfer->record;

	if (transfer->answered)
		return services_pass_response(association, ending);
	if (record->reason == REASON_PEER_LOST || record->reason == REASON_PEER_ABORT) {
		ending_set(ending, AUDIT_ABORTED, record->reason, PARTING_SILENT, "%.*s",
			   (int)transfer->why_length, record->detail);
		return -1;
	}
	if (services_respond(association, transfer->status, reason_name(record->reason),
			     ending) != 0)
		return -1;
	if (record->reason != REASON_DESTINATION_CONTEXT &&
	    record->reason != REASON_REVOKED_WHILE_OPEN)
		return 0;
	/* What the modality was told of its contexts, or of itself, is no longer true. */
	ending_abort(ending, record->reason, "%.*s", (int)transfer->why_length,
		     record->detail);
	return -1;
}

/* The record is not known to be durable. Of success nobody may be told then: the modality
 * hears of a failure, and the record is corrected. */
static int fail_with_auditor(struct association *association, struct transfer *transfer,
			     int error, struct ending *ending)
{
	bool forwarded = transfer->record.outcome == AUDIT_FORWARDED;
	bool recorded;

	log_error("the audit log took no record of an instance: %s", strerror(error));
	audit_record_doubt(&transfer->record);
	if (error == ENOSPC && !forwarded)
		return answer_modality(association, transfer, ending);
	if (error == ENOSPC) /* the auditor keeps the record, and corrects it itself */
		return services_respond(association, STATUS_OUT_OF_RESOURCES,
					reason_name(REASON_AUDIT_UNAVAILABLE), ending);
	/* It has died: its successor gets the record. Or it is slow: the record stands in
	 * its queue, and this one corrects it. */
	recorded = report_again(association, &transfer->record, error) == 0;
	if (recorded)
		report_instance_ended(association);
	else
		association->unrecorded = &transfer->record;
	if (recorded && !forwarded)
		return answer_modality(association, transfer, ending);
	if (services_respond(association, STATUS_OUT_OF_RESOURCES,
			     reason_name(REASON_AUDIT_UNAVAILABLE), ending) == 0)
		ending_abort(ending, REASON_AUDIT_UNAVAILABLE,
			     "the auditor did not answer in time");
	return -1;
}

/* Counts the instances in vain between two that were stored. Those that the destination
 * refuses do not count: it may have the study already. 0; or -1 with the ending when they
 * are too many. */
static int judge_run(struct association *association, const struct transfer *transfer,
		     struct ending *ending)
{
	if (transfer->record.outcome == AUDIT_FORWARDED)
		association->in_vain = 0;
	else
		association->in_vain += audit_record_is_in_vain(&transfer->record);
	if (association->in_vain < IN_VAIN_MAX)
		return 0;
	ending_abort(ending, REASON_LIMIT_REFUSALS,
		     "%u instances were refused and none was stored between them, "
		     "the last: %s",
		     association->in_vain, reason_name(transfer->record.reason));
	return -1;
}

static struct transfer transfer; /* one at a time in a process */

static void begin_transfer(const struct association *association)
{
	memset(&transfer, 0, offsetof(struct transfer, head.bytes));
	begin_record(association, &transfer);
}

void store_record_unread(struct association *association, struct ending *ending)
{
	begin_transfer(association);
	(void)fail_with_modality(association, &transfer, ending);
}

int store_perform(struct association *association, struct ending *ending)
{
	int done;

	begin_transfer(association);
	association->instance_in_hand = true;
	judge(association, &transfer);
	if (transfer.forwarding)
		open_transfer(association, &transfer);

	done = take_data_set(association, &transfer, ending);
	leg_pace_stop(association);
	if (done != 0) {
		done = fail_with_modality(association, &transfer, ending);
	} else {
		take_answer(association, &transfer);
		complete_record(association, &transfer);
		association->figures.instances++;
		done = report_instance(association, &transfer.record) == 0
			       ? answer_modality(association, &transfer, ending)
			       : fail_with_auditor(association, &transfer, errno, ending);
		if (done == 0)
			done = judge_run(association, &transfer, ending);
	}
	association->instance_in_hand = false;
	return done;
}
