/*
 * Audit records, and the few lines that an operator reads in the program's log.
 */
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cathgate/audit/client.h"
#include "cathgate/base/log.h"

#define RECORD_MS 30000 /* a log that takes longer is not available */

static void put(char *to, size_t room, const char *text)
{
	snprintf(to, room, "%s", text);
}
#define PUT(field, text) put((field), sizeof(field), (text))

void report_init(struct association *association)
{
	audit_record_init(&association->record);
	association->record.event = AUDIT_ASSOCIATION;
}

void report_peer(struct association *association)
{
	struct audit_record *record = &association->record;
	const struct tls_peer *peer = &association->peer;

	PUT(record->certificate, peer->certificate_sha256);
	PUT(record->subject, peer->subject);
	PUT(record->tls_version, peer->version);
	PUT(record->tls_cipher, peer->cipher);
	PUT(record->tls_group, peer->group);
}

void report_requestor(struct association *association)
{
	PUT(association->record.calling_ae, association->requestor.calling_text);
	association->figures.calling_ae = association->requestor.calling;
	PUT(association->record.called_ae, association->requestor.called_text);
}

void report_entry(struct association *association)
{
	PUT(association->record.modality, association->entry->name);
	PUT(association->record.destination, association->destination->name);
}

static void tell_operator(const struct audit_record *record)
{
	const char *outcome = audit_outcome_name(record->outcome);

	if (record->reason != REASON_NONE)
		log_warning("%s: %s%s%s", outcome, reason_name(record->reason),
			    record->detail[0] ? ": " : "", record->detail);
	else
		log_info("%s: %s to %s", outcome, record->calling_ae,
			 record->destination);
}

void report_introduce(struct association *association)
{
	struct audit_record record = association->record;

	record.outcome = association->established ? AUDIT_ACCEPTED : AUDIT_NO_OUTCOME;
	if (audit_announce(association->auditor, &record) != 0 ||
	    (association->begun &&
	     audit_begin(association->auditor, association->begun) != 0) ||
	    (association->last_fragment_told &&
	     audit_last_fragment(association->auditor) != 0))
		log_debug("the new auditor is gone as well");
}

/* An auditor that is only slow gets the record a second time; a successor may die as
 * well, so it is tried a few times. */
int report_again(struct association *association, const struct audit_record *record,
		 int error)
{
	for (int i = 0; i < 3 && error != ENOSPC; i++) {
		if (error != ETIMEDOUT && supervision_renew_auditor(association) != 0)
			return -1;
		if (audit_submit(association->auditor, record, RECORD_MS) >= 0)
			return 0;
		if (errno == ETIMEDOUT)
			return -1;
		error = errno;
	}
	return -1;
}

int report_begin(struct association *association, const struct audit_record *record)
{
	for (int i = 0; i < 3; i++) {
		if (audit_begin(association->auditor, record) == 0) {
			association->begun = record;
			return 0;
		}
		if (supervision_renew_auditor(association) != 0)
			return -1;
	}
	return -1;
}

int report_last_fragment(struct association *association)
{
	for (int i = 0; i < 3; i++) {
		if (audit_last_fragment(association->auditor) == 0) {
			association->last_fragment_told = true;
			return 0;
		}
		if (supervision_renew_auditor(association) != 0)
			return -1;
	}
	return -1;
}

int report_instance(struct association *association, const struct audit_record *record)
{
	int result = audit_submit(association->auditor, record, RECORD_MS), error = errno;
	bool recorded = result >= 0;

	/* A record that is only counted is one of many: a warning for each would fill
	 * the program's log in place of the audit log. */
	if (result != 1 && record->outcome != AUDIT_FORWARDED)
		log_warning("instance %s: %s%s%s", record->sop_instance,
			    reason_name(record->reason), record->detail[0] ? ": " : "",
			    record->detail);
	errno = error;
	/* Should the auditor have died, its successor is told anew that the instance
	 * began: until its record is in somebody's hands, this process may die, too. */
	if (recorded || errno == ENOSPC)
		report_instance_ended(association);
	return recorded ? 0 : -1;
}

void report_instance_ended(struct association *association)
{
	association->begun = NULL;
	association->last_fragment_told = false;
}

/* What no auditor could be given in its time comes before the last word. */
static void report_belated(struct association *association)
{
	if (association->unrecorded &&
	    report_again(association, association->unrecorded, EPIPE) == 0)
		association->unrecorded = NULL;
	report_instance_ended(association);
}

/* What an operator reads of it, unless it is one of many that are only counted. */
static int submit_association(struct association *association,
			      const struct audit_record *record)
{
	int result, error;

	if (record->outcome != AUDIT_REFUSED || association->established) {
		tell_operator(record);
		return audit_submit(association->auditor, record, RECORD_MS);
	}
	result = audit_submit(association->auditor, record, RECORD_MS);
	error = errno;
	if (result != 1)
		tell_operator(record);
	errno = error;
	return result;
}

int report_association(struct association *association, enum audit_outcome outcome,
		       enum reason reason, const char *detail)
{
	struct audit_record record = association->record;

	record.outcome = outcome;
	record.reason = reason;
	PUT(record.detail, detail);
	report_belated(association);
	association->last_word_said = outcome != AUDIT_ACCEPTED;
	if (submit_association(association, &record) >= 0)
		return 0;
	if (errno == ENOSPC || errno == ETIMEDOUT) /* it has the record, and keeps it */
		return -1;
	association->last_word_said = false;
	if (report_again(association, &record, EPIPE) == 0) {
		association->last_word_said = outcome != AUDIT_ACCEPTED;
		return 0;
	}
	log_error("the audit log took no record of it: see the auditor's messages");
	return -1;
}

void ending_set(struct ending *ending, enum audit_outcome outcome, enum reason reason,
		enum parting parting, const char *format, ...)
{
	va_list arguments;

	*ending = (struct ending){ .outcome = outcome,
				   .reason = reason,
				   .parting = parting };
	va_start(arguments, format);
	vsnprintf(ending->detail, sizeof(ending->detail), format, arguments);
	va_end(arguments);
}

/* PS3.8 table 9-26: source 2 is the service provider, reason 0 not specified. */
void ending_abort(struct ending *ending, enum reason reason, const char *format, ...)
{
	va_list arguments;

	*ending = (struct ending){ .outcome = AUDIT_ABORTED,
				   .reason = reason,
				   .parting = PARTING_ABORT,
				   .abort_source = 2 };
	va_start(arguments, format);
	vsnprintf(ending->detail, sizeof(ending->detail), format, arguments);
	va_end(arguments);
}

static void ending_of_lost_in(struct association *association, struct ending *ending)
{
	struct leg *in = &association->in;
	struct tls_failure failure;

	switch (in->interrupted) {
	case REASON_NONE:
		break;
	case REASON_GATEWAY_STOPPING:
		ending_abort(ending, REASON_GATEWAY_STOPPING,
			     "the gateway was told to stop");
		return;
	case REASON_PEER_LOST:
	case REASON_PEER_ABORT:
		ending_set(ending, AUDIT_ABORTED, in->interrupted, PARTING_SILENT,
			   "the modality left");
		return;
	default:
		ending_abort(ending, in->interrupted,
			     "the modality was waited for too long");
		return;
	}
	if (tls_failed(&in->carrier, &failure))
		ending_set(ending, AUDIT_ABORTED, failure.reason, PARTING_SILENT, "%s",
			   failure.detail);
	else
		ending_set(ending, AUDIT_ABORTED, REASON_PEER_LOST, PARTING_SILENT,
			   "the modality's connection ended without a release");
}

void ending_of_in(struct association *association, enum ul_event event,
		  struct ending *ending)
{
	switch (event) {
	case UL_ABORT:
		ending_set(ending, AUDIT_ABORTED, REASON_PEER_ABORT, PARTING_SILENT,
			   "the modality aborted");
		break;
	case UL_PROTOCOL:
		ending_abort(ending, REASON_MALFORMED,
			     "the modality sent a PDU that PS3.8 does not allow there");
		ending->abort_reason = 6; /* invalid PDU parameter value */
		break;
	case UL_RELEASE:
		ending_abort(ending, REASON_MALFORMED,
			     "the modality asked for release within a message");
		ending->abort_reason = 2; /* unexpected PDU */
		break;
	case UL_PDV:
		ending_abort(ending, REASON_MALFORMED,
			     "a fragment that belongs to no message in hand");
		break;
	case UL_CLOSED:
		ending_of_lost_in(association, ending);
		break;
	}
}
