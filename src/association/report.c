#include "report.h"

#include <stdio.h>
#include <string.h>

#include "internal.h"

#include "cathgate/audit/client.h"
#include "cathgate/base/log.h"

#define RECORD_MS 30000 /* a log that takes longer is not available */
#define TRIES	  3	/* a successor may die as well */

static void put_text(char *to, size_t room, const char *text)
{
	snprintf(to, room, "%s", text);
}
#define PUT(field, text) put_text((field), sizeof(field), (text))

void report_init(struct association *association)
{
	association->report.channel = association->start->auditor;
	audit_record_init(&association->report.record);
	association->report.record.event = AUDIT_ASSOCIATION;
}

void report_peer(struct association *association)
{
	struct audit_record *record = &association->report.record;
	const struct tls_peer *peer = &association->peer;

	PUT(record->certificate, peer->certificate_sha256);
	PUT(record->subject, peer->subject);
	PUT(record->tls_version, peer->version);
	PUT(record->tls_cipher, peer->cipher);
	PUT(record->tls_group, peer->group);
}

void report_requestor(struct association *association)
{
	PUT(association->report.record.calling_ae, association->requestor.calling_text);
	association->supervision.figures.calling_ae = association->requestor.calling;
	PUT(association->report.record.called_ae, association->requestor.called_text);
}

void report_entry(struct association *association)
{
	PUT(association->report.record.modality, association->entry.now->name);
	PUT(association->report.record.destination, association->destination->name);
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

static enum audit_taken submit_record(const struct association *association,
				      const struct audit_record *record)
{
	return audit_submit(association->report.channel, record, RECORD_MS);
}

bool report_is_recorded(enum audit_taken taken)
{
	return taken == AUDIT_DURABLE || taken == AUDIT_COUNTED;
}

int report_again(struct association *association, const struct audit_record *record,
		 enum audit_taken taken)
{
	for (int i = 0; i < TRIES && taken != AUDIT_KEPT; i++) {
		if (taken != AUDIT_SLOW && supervision_renew_auditor(association) != 0)
			return -1;
		taken = submit_record(association, record);
		if (report_is_recorded(taken))
			return 0;
		if (taken == AUDIT_SLOW)
			return -1;
	}
	return -1;
}

/* Tells that the instance begins; without a record, that its last fragment is about to go
 * out. */
MUST_USE static int announce_instance(struct association *association,
				      const struct audit_record *record)
{
	for (int i = 0; i < TRIES; i++) {
		int channel = association->report.channel;

		if ((record ? audit_begin(channel, record)
			    : audit_last_fragment(channel)) == 0)
			return 0;
		if (supervision_renew_auditor(association) != 0)
			return -1;
	}
	return -1;
}

int report_begin(struct association *association, const struct audit_record *record)
{
	if (announce_instance(association, record) != 0)
		return -1;
	association->report.begun = record;
	return 0;
}

int report_last_fragment(struct association *association)
{
	if (announce_instance(association, NULL) != 0)
		return -1;
	association->report.last_fragment_told = true;
	return 0;
}

enum audit_taken report_instance(struct association *association,
				 const struct audit_record *record)
{
	enum audit_taken taken = submit_record(association, record);

	/* A record that is only counted is one of many: a warning for each would fill
	 * the program's log in place of the audit log. */
	if (taken != AUDIT_COUNTED && record->outcome != AUDIT_FORWARDED)
		log_warning("instance %s: %s%s%s", record->sop_instance,
			    reason_name(record->reason), record->detail[0] ? ": " : "",
			    record->detail);
	/* Should the auditor have died, its successor is told anew that the instance
	 * began: until an auditor has its record, this process may die, too. */
	if (report_is_recorded(taken) || taken == AUDIT_KEPT)
		report_instance_ended(association);
	return taken;
}

void report_instance_ended(struct association *association)
{
	association->report.begun = NULL;
	association->report.last_fragment_told = false;
}

/* An instance's record that no auditor took in its time is tried again: it must come
 * before the association's last word. */
static void report_belated(struct association *association)
{
	struct report *report = &association->report;

	if (report->unrecorded &&
	    report_again(association, report->unrecorded, AUDIT_GONE) == 0)
		report->unrecorded = NULL;
	report_instance_ended(association);
}

/* The operator is told as well, unless the record is one of many that are only counted.
 */
static enum audit_taken submit_association(const struct association *association,
					   const struct audit_record *record)
{
	bool may_be_counted =
		record->outcome == AUDIT_REFUSED && !association->established;
	enum audit_taken taken;

	if (!may_be_counted)
		tell_operator(record);
	taken = submit_record(association, record);
	if (may_be_counted && taken != AUDIT_COUNTED)
		tell_operator(record);
	return taken;
}

int report_association(struct association *association, enum audit_outcome outcome,
		       enum reason reason, const char *detail)
{
	struct report *report = &association->report;
	struct audit_record record = report->record;
	enum audit_taken taken;

	record.outcome = outcome;
	record.reason = reason;
	PUT(record.detail, detail);
	report_belated(association);
	report->last_word_said = outcome != AUDIT_ACCEPTED;
	taken = submit_association(association, &record);
	if (report_is_recorded(taken))
		return 0;
	if (taken != AUDIT_GONE) /* the auditor has the record, and keeps it */
		return -1;
	report->last_word_said = false;
	if (report_again(association, &record, AUDIT_GONE) == 0) {
		report->last_word_said = outcome != AUDIT_ACCEPTED;
		return 0;
	}
	log_error("the audit log took no record of it: see the auditor's messages");
	return -1;
}
