/*
 * What the data set in hand says of itself: kept as it comes, read once.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>

void head_take(struct head *head, const struct ul_pdv *pdv)
{
	size_t room = sizeof(head->bytes) - head->size;

	if (room > pdv->size)
		room = pdv->size;
	memcpy(head->bytes + head->size, pdv->data, room);
	head->size += room;
}

void head_read(struct head *head, const char *transfer_syntax)
{
	if (!head->is_read)
		data_set_head_read(head->bytes, head->size, transfer_syntax,
				   &head->found);
	head->is_read = true;
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

void head_tell(struct head *head, struct audit_record *record)
{
	const struct data_set_head *found = &head->found;

	head_read(head, record->transfer_syntax);
	note_difference(record, "SOP class", record->sop_class, found->sop_class);
	note_difference(record, "SOP instance", record->sop_instance,
			found->sop_instance);
	snprintf(record->study, sizeof(record->study), "%s", found->study);
	snprintf(record->patient_id, sizeof(record->patient_id), "%s", found->patient_id);
}
