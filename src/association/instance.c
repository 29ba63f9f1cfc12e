#include "instance.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "internal.h"

#include "cathgate/base/clock.h"
#include "cathgate/dicom/sop_class.h"

void instance_conclude(struct instance *instance, enum audit_outcome outcome,
		       enum reason reason, uint16_t status, const char *detail)
{
	instance->is_passed_on = false;
	instance->record.outcome = outcome;
	instance->record.reason = reason;
	instance->status = status;
	snprintf(instance->record.detail, sizeof(instance->record.detail), "%s", detail);
}

void instance_begin(const struct association *association, struct instance *instance)
{
	const struct message *request = &association->request;
	const char *syntax =
		ul_context_transfer_syntax(association->in.ul, request->context);
	struct audit_record *record = &instance->record;

	memset(instance, 0, offsetof(struct instance, head_bytes));
	*record = association->report.record;
	record->event = AUDIT_INSTANCE;
	snprintf(record->sop_class, sizeof(record->sop_class), "%s",
		 request->command.sop_class);
	snprintf(record->sop_instance, sizeof(record->sop_instance), "%s",
		 request->command.sop_instance);
	snprintf(record->transfer_syntax, sizeof(record->transfer_syntax), "%s",
		 syntax ? syntax : "");
}

/* Whether the command makes sense. */
static bool check_command(const struct association *association,
			  struct instance *instance)
{
	const struct command_set *command = &association->request.command;
	const char *syntax = ul_context_abstract_syntax(association->in.ul,
							association->request.context);

	if (!syntax || !sop_class_is_storage(syntax))
		instance_conclude(instance, AUDIT_FAILED, REASON_MALFORMED,
				  STATUS_UNRECOGNISED_OPERATION,
				  "a C-STORE-RQ on another service's presentation "
				  "context");
	else if (command->fault)
		instance_conclude(instance, AUDIT_FAILED, REASON_MALFORMED,
				  STATUS_CANNOT_UNDERSTAND, command->fault);
	else if (!command->has_data_set || !command->sop_class[0] ||
		 !command->sop_instance[0])
		instance_conclude(instance, AUDIT_FAILED, REASON_MALFORMED,
				  STATUS_CANNOT_UNDERSTAND,
				  "a C-STORE-RQ without SOP class, SOP instance or data "
				  "set");
	else
		return true;
	return false;
}

/* Whether the modality is trusted as it was when the association opened. */
static bool check_trust(const struct association *association, struct instance *instance)
{
	if (association->entry.revoked != REASON_NONE)
		instance_conclude(instance, AUDIT_REFUSED, REASON_REVOKED_WHILE_OPEN,
				  STATUS_NOT_AUTHORISED, association->entry.revoked_why);
	else if (association->is_authenticated &&
		 time(NULL) > tls_trusted_until(&association->peer))
		instance_conclude(instance, AUDIT_REFUSED,
				  tls_trust_ended(&association->peer),
				  STATUS_NOT_AUTHORISED,
				  "the modality's certificate or its CRL went out of "
				  "date while the association was open");
	else
		return true;
	return false;
}

/* Promise 2: each instance is judged anew. */
void instance_judge(const struct association *association, struct instance *instance)
{
	const struct command_set *command = &association->request.command;
	enum reason reason;

	if (!check_command(association, instance) || !check_trust(association, instance))
		return;
	reason = entry_judge(association, command->sop_class,
			     command->has_move_originator ? &command->move_originator
							  : NULL);
	if (reason != REASON_NONE)
		instance_conclude(
			instance, AUDIT_REFUSED, reason, STATUS_NOT_AUTHORISED,
			reason == REASON_REVOKED_WHILE_OPEN
				? "its entry does not allow this instance any more"
				: "");
	else
		instance->is_passed_on = true;
}

void instance_take(struct instance *instance, const struct ul_pdv *pdv)
{
	size_t room = sizeof(instance->head_bytes) - instance->head_size;

	if (room > pdv->size)
		room = pdv->size;
	memcpy(instance->head_bytes + instance->head_size, pdv->data, room);
	instance->head_size += room;
}

void instance_read_head(struct instance *instance)
{
	if (!instance->head_is_read)
		data_set_head_read(instance->head_bytes, instance->head_size,
				   instance->record.transfer_syntax, &instance->head);
	instance->head_is_read = true;
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

void instance_complete(const struct association *association, struct instance *instance)
{
	const struct data_set_head *head = &instance->head;
	struct audit_record *record = &instance->record;

	instance->why_length = strlen(record->detail);
	instance_read_head(instance);
	note_difference(record, "SOP class", record->sop_class, head->sop_class);
	note_difference(record, "SOP instance", record->sop_instance, head->sop_instance);
	snprintf(record->study, sizeof(record->study), "%s", head->study);
	snprintf(record->patient_id, sizeof(record->patient_id), "%s", head->patient_id);
	record->total_ms = (clock_us() - association->request_began_us) / 1000;
	if (!instance->is_answered)
		record->status = instance->status;
}
