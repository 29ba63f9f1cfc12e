#include "report.h"

#include <stdio.h>
#include <string.h>

#include "internal.h"

#include "cathgate/base/clock.h"
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

void report_shown(struct association *association, const struct tls_shown *shown)
{
	PUT(association->report.record.shown_certificate, shown->sha256);
	PUT(association->report.record.shown_subject, shown->subject);
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

/* To the auditor's successor, or once more to an auditor that is slow. */
static enum audit_taken submit_again(struct association *association,
				     const struct audit_record *record,
				     enum audit_taken taken)
{
	for (int i = 0; i < TRIES; i++) {
		if (taken == AUDIT_GONE && supervision_renew_auditor(association) != 0)
			return AUDIT_GONE;
		taken = submit_record(association, record);
		if (taken != AUDIT_GONE)
			break;
	}
	return taken;
}

void report_new_instance(struct association *association)
{
	const struct command_message *request = &association->request;
	const char *syntax =
		ul_context_transfer_syntax(association->in.ul, request->context);
	struct report *report = &association->report;
	struct audit_record *record = &report->instance;

	report->head = (struct data_set_head){ .study = "" };
	report->head_is_read = false;
	report->head_size = 0;
	*record = report->record;
	record->event = AUDIT_INSTANCE;
	PUT(record->sop_class, request->command.sop_class);
	PUT(record->sop_instance, request->command.sop_instance);
	PUT(record->transfer_syntax, syntax ? syntax : "");
}

void report_keep_head(struct association *association, const struct ul_pdv *pdv)
{
	struct report *report = &association->report;
	size_t room = sizeof(report->head_bytes) - report->head_size;

	if (room > pdv->size)
		room = pdv->size;
	memcpy(report->head_bytes + report->head_size, pdv->data, room);
	report->head_size += room;
}

const struct data_set_head *report_read_head(struct association *association)
{
	struct report *report = &association->report;

	if (!report->head_is_read)
		data_set_head_read(report->head_bytes, report->head_size,
				   report->instance.transfer_syntax, &report->head);
	report->head_is_read = true;
	return &report->head;
}

static void note_difference(struct audit_record *record, const char *what,
			    const char *in_command, const char *in_data_set)
{
	size_t used = strlen(record->detail);

	if (in_command[0] && in_data_set[0] && strcmp(in_command, in_data_set) != 0)
		snprintf(record->detail + used, sizeof(record->detail) - used,
			 "%sthe data set names another %s, %s", used > 0 ? "; " : "",
			 what, in_data_set);
}

void report_name_instance(struct association *association)
{
	const struct data_set_head *head = report_read_head(association);
	struct audit_record *record = &association->report.instance;

	PUT(record->study, head->study);
	PUT(record->patient_id, head->patient_id);
}

void report_complete_instance(struct association *association)
{
	const struct data_set_head *head = report_read_head(association);
	struct audit_record *record = &association->report.instance;
	struct instance *instance = &association->instance;

	instance->why_length = strlen(record->detail);
	note_difference(record, "SOP class", record->sop_class, head->sop_class);
	note_difference(record, "SOP instance", record->sop_instance, head->sop_instance);
	report_name_instance(association);
	record->total_ms = (clock_us() - association->request_began_us) / 1000;
	if (!instance->is_answered)
		record->status = instance->status;
}

int report_begin(struct association *association)
{
	struct report *report = &association->report;

	for (int i = 0; i < TRIES; i++) {
		if (audit_begin(report->channel, &report->instance) == 0) {
			report->begin_told = true;
			return 0;
		}
		if (supervision_renew_auditor(association) != 0)
			return -1;
	}
	return -1;
}

int report_last_fragment(struct association *association)
{
	struct report *report = &association->report;

	for (int i = 0; i < TRIES; i++) {
		if (audit_last_fragment(report->channel) == 0) {
			report->last_fragment_told = true;
			return 0;
		}
		if (supervision_renew_auditor(association) != 0)
			return -1;
	}
	return -1;
}

static bool is_in_hands(enum audit_taken taken)
{
	return report_is_recorded(taken) || taken == AUDIT_KEPT;
}

/* The instance is over for the auditor, and for every successor of the auditor's. */
static void forget_instance(struct report *report)
{
	report->begin_told = false;
	report->last_fragment_told = false;
}

enum audit_taken report_instance(struct association *association)
{
	const struct audit_record *record = &association->report.instance;
	enum audit_taken taken = submit_record(association, record);

	/* A record that is only counted is one of many: a warning for each would fill
	 * the program's log in place of the audit log. */
	if (taken != AUDIT_COUNTED && record->outcome != AUDIT_FORWARDED &&
	    (record->outcome != AUDIT_SPOOLED || record->reason != REASON_NONE))
		log_warning("instance %s: %s%s%s", record->sop_instance,
			    reason_name(record->reason), record->detail[0] ? ": " : "",
			    record->detail);
	/* Should the auditor have died, its successor is told anew that the instance
	 * began: until an auditor has its record, this process may die, too. */
	if (is_in_hands(taken))
		forget_instance(&association->report);
	return taken;
}

enum audit_taken report_instance_again(struct association *association,
				       enum audit_taken taken)
{
	struct report *report = &association->report;

	taken = submit_again(association, &report->instance, taken);
	if (is_in_hands(taken))
		forget_instance(report);
	report->instance_is_unrecorded = !is_in_hands(taken);
	return taken;
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
	bool is_last = outcome != AUDIT_ACCEPTED;
	enum audit_taken taken;

	record.outcome = outcome;
	record.reason = reason;
	PUT(record.detail, detail);
	if (report->instance_is_unrecorded) /* it must come before the last word */
		report_instance_again(association, AUDIT_GONE);
	forget_instance(report);
	report->last_word_said = is_last;
	taken = submit_association(association, &record);
	if (taken == AUDIT_GONE) {
		report->last_word_said = false;
		taken = submit_again(association, &record, AUDIT_GONE);
		report->last_word_said = is_last && taken != AUDIT_GONE;
		if (taken == AUDIT_GONE)
			log_error("the audit log took no record of it: see the auditor's "
				  "messages");
	}
	/* An auditor that is slow, or whose disk is full, keeps the record. */
	return report_is_recorded(taken) ? 0 : -1;
}
