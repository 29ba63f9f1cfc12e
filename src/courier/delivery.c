/* One object's delivery: a C-STORE (PS3.7 9.1.1) of what the spool holds. */
#include "internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"

#define RECORD_MS 60000
#define TRIES	  3

/* What is to be recorded of the try, and told to the spooler. */
struct verdict {
	enum audit_outcome outcome;
	enum reason reason;
	enum spool_result result;
};

static void describe(struct courier *courier, const struct spool_work *work)
{
	struct audit_record *record = &courier->record;

	audit_record_init(record);
	record->event = AUDIT_DELIVERY;
	snprintf(record->destination, sizeof(record->destination), "%s",
		 courier->start->destination->name);
	snprintf(record->detail, sizeof(record->detail), "object %016" PRIx64 "%s",
		 work->object, work->is_unconfirmed ? ", which nobody confirmed" : "");
	if (courier->cargo.opener)
		spool_metadata_tell(&courier->cargo.metadata, record);
}

static void explain(struct courier *courier, const char *why)
{
	struct audit_record *record = &courier->record;
	size_t used = strlen(record->detail);

	if (why[0])
		snprintf(record->detail + used, sizeof(record->detail) - used, ": %s",
			 why);
}

/* What the destination refuses for good; all else may pass: it is short of room (A7xx),
 * failed (0110), or doesn't know us yet (0124). */
static bool may_pass(uint16_t status)
{
	return (status & 0xFF00) == STATUS_OUT_OF_RESOURCES ||
	       status == STATUS_PROCESSING_FAILURE || status == STATUS_NOT_AUTHORISED;
}

static struct verdict judge_status(struct courier *courier, uint16_t status)
{
	courier->record.status = status;
	if (command_status_stored(status))
		return (struct verdict){ AUDIT_FORWARDED, REASON_NONE,
					 SPOOL_RESULT_DELIVERED };
	if (may_pass(status))
		return (struct verdict){ AUDIT_FAILED, REASON_DESTINATION_STATUS,
					 SPOOL_RESULT_LATER };
	return (struct verdict){ AUDIT_DEAD, REASON_DESTINATION_STATUS,
				 SPOOL_RESULT_REFUSED };
}

/* The destination was called in vain, or went within the object. */
static struct verdict judge_failure(struct courier *courier, bool was_reached,
				    const struct sink_failure *failure)
{
	struct verdict verdict = { AUDIT_FAILED, failure->reason,
				   was_reached ? SPOOL_RESULT_LOST
					       : SPOOL_RESULT_UNREACHED };

	explain(courier, failure->detail);
	if (courier->last_fragment_told)
		verdict.outcome = AUDIT_UNCONFIRMED;
	if (failure->reason == REASON_GATEWAY_STOPPING ||
	    failure->reason == REASON_REVOKED_WHILE_OPEN ||
	    failure->reason == REASON_INTERNAL)
		verdict.result = SPOOL_RESULT_RETURNED;
	return verdict;
}

static struct verdict judge_file(struct courier *courier, enum spool_fault fault)
{
	if (fault == SPOOL_UNKNOWN) { /* a later version has sealed it */
		explain(courier,
			"it is of a suite that this version of the gateway doesn't know");
		return (struct verdict){ AUDIT_FAILED, REASON_SPOOL_UNAVAILABLE,
					 SPOOL_RESULT_UNKNOWN };
	}
	explain(courier, fault == SPOOL_TORN
				 ? "the file has no header: the object was never finished"
			 : fault == SPOOL_FOREIGN ? "the file is no object of the spool"
						  : "the file was changed or cut");
	return (struct verdict){ AUDIT_DEAD, REASON_SPOOL_CORRUPT, SPOOL_RESULT_BROKEN };
}

/* No disk, no memory, or no key: the object isn't to blame. */
static struct verdict judge_gateway(struct courier *courier, bool lacks_key)
{
	explain(courier,
		lacks_key ? "no key in spool.key opens it" : "it can't be read now");
	return (struct verdict){ AUDIT_FAILED, REASON_SPOOL_UNAVAILABLE,
				 lacks_key ? SPOOL_RESULT_LOCKED
					   : SPOOL_RESULT_RETURNED };
}

MUST_USE static int tell_begin(struct courier *courier)
{
	for (int i = 0; i < TRIES; i++) {
		if (audit_begin(courier->auditor, &courier->record) == 0) {
			courier->begin_told = true;
			return 0;
		}
		if (courier_renew_auditor(courier) != 0)
			return -1;
	}
	return -1;
}

MUST_USE static int tell_last_fragment(struct courier *courier)
{
	for (int i = 0; i < TRIES; i++) {
		if (audit_last_fragment(courier->auditor) == 0) {
			courier->last_fragment_told = true;
			return 0;
		}
		if (courier_renew_auditor(courier) != 0)
			return -1;
	}
	return -1;
}

static int fail(struct sink_failure *ret, enum reason reason, const char *detail)
{
	*ret = (struct sink_failure){ .reason = reason };
	snprintf(ret->detail, sizeof(ret->detail), "%s", detail);
	return -1;
}

/* Sends the data set. 0 when it has all gone out; 1 when the destination has refused it
 * before; -1 with *ret, where *ret_fault is SPOOL_GOOD. */
MUST_USE static int send_data_set(struct courier *courier, enum spool_fault *ret_fault,
				  struct sink_failure *ret)
{
	const struct sink *sink = &courier->sink;
	struct ul_pdv pdv = { .context = courier->request.context };

	while (!pdv.last) {
		int came = sink->early(sink->context, &courier->response, ret);

		*ret_fault = SPOOL_GOOD;
		if (came != 0)
			return came;
		*ret_fault = cargo_next(&courier->cargo, &pdv);
		if (*ret_fault != SPOOL_GOOD)
			return -1;
		/* All of it was found whole: only now may the destination have it. */
		if (pdv.last && tell_last_fragment(courier) != 0)
			return fail(ret, REASON_INTERNAL, "the auditor is not there");
		if (sink->fragment(sink->context, &pdv, ret) != 0)
			return -1;
	}
	return 0;
}

static struct verdict send_object(struct courier *courier)
{
	const struct sink *sink = &courier->sink;
	enum spool_fault fault = SPOOL_GOOD;
	struct sink_failure failure;
	int64_t began_us = clock_us(), sent_us;
	bool is_refused;
	int sent;

	if (reach_destination(courier, &is_refused, &failure) != 0) {
		if (!is_refused)
			return judge_failure(courier, false, &failure);
		explain(courier, failure.detail);
		return (struct verdict){ AUDIT_DEAD, failure.reason,
					 SPOOL_RESULT_REFUSED };
	}
	if (tell_begin(courier) != 0) {
		fail(&failure, REASON_INTERNAL, "the auditor is not there");
		return judge_failure(courier, false, &failure);
	}
	if (sink->begin(sink->context, &courier->request, &failure) != 0) {
		sink->abort(sink->context);
		return judge_failure(courier, false, &failure);
	}
	sent = send_data_set(courier, &fault, &failure);
	sent_us = clock_us();
	if (sent == 0)
		sent = sink->finish(sink->context, &courier->response, &failure);
	else
		sink->abort(sink->context);
	courier->record.wait_ms = (clock_us() - sent_us) / 1000;
	courier->record.total_ms = (clock_us() - began_us) / 1000;
	if (fault == SPOOL_FAILED)
		return judge_gateway(courier, false);
	if (fault != SPOOL_GOOD)
		return judge_file(courier, fault);
	if (sent >= 0)
		return judge_status(courier, courier->response.command.status);
	sink->abort(sink->context);
	return judge_failure(courier, true, &failure);
}

static struct verdict try_object(struct courier *courier, const struct spool_work *work)
{
	bool lacks_key;
	enum spool_fault fault = cargo_open(courier, work, &lacks_key);

	describe(courier, work);
	if (fault == SPOOL_GOOD)
		fault = cargo_command(&courier->cargo, &courier->request);
	if (fault == SPOOL_FAILED)
		return judge_gateway(courier, lacks_key);
	if (fault != SPOOL_GOOD)
		return judge_file(courier, fault);
	if (work->is_to_bury) {
		explain(courier, "three couriers have ended within it");
		return (struct verdict){ AUDIT_DEAD, REASON_SPOOL_REPEATED_ABORT,
					 SPOOL_RESULT_REFUSED };
	}
	return send_object(courier);
}

/* The object's last chance was this one. */
static void judge_finally(struct courier *courier, const struct spool_work *work,
			  struct verdict *verdict)
{
	bool failed =
		verdict->outcome == AUDIT_FAILED || verdict->outcome == AUDIT_UNCONFIRMED;

	if (!failed || verdict->result == SPOOL_RESULT_RETURNED ||
	    verdict->result == SPOOL_RESULT_LOCKED ||
	    verdict->result == SPOOL_RESULT_UNKNOWN)
		return;
	if (verdict->result == SPOOL_RESULT_LOST && work->is_last_try) {
		explain(courier, reason_name(verdict->reason));
		verdict->outcome = AUDIT_DEAD;
		verdict->reason = REASON_SPOOL_REPEATED_ABORT;
	} else if (verdict->result != SPOOL_RESULT_LOST && work->is_overdue) {
		verdict->outcome = AUDIT_GIVEN_UP;
	}
}

/* 0 when the record is durable. */
MUST_USE static int record_try(struct courier *courier, const struct verdict *verdict)
{
	struct audit_record *record = &courier->record;

	record->outcome = verdict->outcome;
	record->reason = verdict->reason;
	if (record->outcome != AUDIT_FORWARDED)
		log_warning("%s%s%s: %s: %s", record->modality,
			    record->modality[0] != '\0' ? ": " : "",
			    audit_outcome_name(record->outcome),
			    reason_name(record->reason), record->detail);
	for (int i = 0; i < TRIES; i++) {
		enum audit_taken taken =
			audit_submit(courier->auditor, record, RECORD_MS);

		if (taken == AUDIT_DURABLE)
			return 0;
		if (taken != AUDIT_GONE || courier_renew_auditor(courier) != 0)
			return -1;
	}
	return -1;
}

bool deliver(struct courier *courier, const struct spool_work *work)
{
	struct verdict verdict;
	bool is_recorded;

	courier->has_object = true;
	courier->begin_told = courier->last_fragment_told = false;
	verdict = try_object(courier, work);
	judge_finally(courier, work, &verdict);
	is_recorded = record_try(courier, &verdict) == 0;
	courier->begin_told = courier->last_fragment_told = false;
	courier->has_object = false;
	cargo_close(&courier->cargo);
	close(work->fd);
	/* Without a record it stays, and is sent again. */
	if (spool_work_result(courier->start->spooler, work->object,
			      is_recorded ? verdict.result : SPOOL_RESULT_RETURNED) != 0)
		return false;
	return is_recorded && !courier->is_stopping && !courier->is_astray &&
	       !courier->keeper_is_silent;
}
