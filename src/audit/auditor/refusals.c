#include "refusals.h"

#include <stdio.h>

#include "cathgate/base/log.h"

int refusals_open(struct refusals *refusals, const struct config_audit *audit,
		  repeats_tell *tell, void *context)
{
	refusals->reserve = (struct reserve){ .bytes = audit->reserve_bytes };
	return repeats_open(&refusals->repeats, tell, context);
}

void refusals_close(struct refusals *refusals)
{
	repeats_close(&refusals->repeats);
}

/* Whether such a record costs its sender next to nothing: an association that was refused
 * before it was let in, or an instance in vain. */
static bool can_flood(const struct session *session, const struct audit_record *record)
{
	if (record->event == AUDIT_ASSOCIATION)
		return !session->is_pinned &&
		       (record->outcome == AUDIT_REFUSED ||
			(record->outcome == AUDIT_ABORTED &&
			 record->reason == REASON_LIMIT_ASSOCIATIONS));
	return audit_record_is_in_vain(record);
}

/* While room is short no such refusal has a line, whatever its kind. */
static bool is_counted(struct refusals *refusals, const char *peer,
		       const struct audit_record *record)
{
	if (!refusals->reserve.is_reached)
		return repeats_take(&refusals->repeats, clock_ms(), peer, record);
	repeats_count_together(&refusals->repeats, clock_ms(), peer, record);
	return true;
}

bool refusals_take(struct refusals *refusals, struct session *session,
		   const struct audit_record *record)
{
	if (!can_flood(session, record) || !is_counted(refusals, session->peer, record))
		return false;
	session->has_counted |= record->event == AUDIT_INSTANCE;
	return true;
}

void refusals_tell_ended(struct refusals *refusals, struct session *session)
{
	if (!session->has_counted || !session->has_ended)
		return;
	repeats_tell_instances(&refusals->repeats, session->known.modality);
	session->has_counted = false;
}

bool refusals_look(struct refusals *refusals, const struct log_file *file,
		   struct audit_record *ret_alert)
{
	if (!reserve_look(&refusals->reserve, file->fd, clock_ms()))
		return false;
	if (!refusals->reserve.is_reached) {
		log_info("%s: there is room again: refusals are recorded again",
			 file->path);
		return false;
	}
	audit_record_init(ret_alert);
	ret_alert->event = AUDIT_ALERT;
	ret_alert->outcome = AUDIT_RAISED;
	ret_alert->reason = REASON_AUDIT_RESERVE;
	snprintf(
		ret_alert->detail, sizeof(ret_alert->detail),
		"less is free on the log's file system than audit.reserve_bytes, or than "
		"a tenth of it: refusals are only counted; free space");
	log_error("%s: %s", file->path, ret_alert->detail);
	return true;
}
