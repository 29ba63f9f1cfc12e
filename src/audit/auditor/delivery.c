#include "delivery.h"

#include <string.h>

const char *delivery_begin_fault(const struct session *session,
				 const struct audit_record *record)
{
	if (session->kind != SESSION_COURIER)
		return "it began a delivery, which only a courier does";
	if (record->event != AUDIT_DELIVERY)
		return "it began what is no delivery";
	if (strcmp(record->destination, session->destination) != 0)
		return "it began a delivery to another destination";
	return NULL;
}

static bool is_outcome_of_try(enum audit_outcome outcome)
{
	return outcome == AUDIT_FORWARDED || outcome == AUDIT_FAILED ||
	       outcome == AUDIT_UNCONFIRMED || outcome == AUDIT_DEAD ||
	       outcome == AUDIT_GIVEN_UP;
}

/* Whoever has no connection to a PACS can't know what a PACS has taken. */
static bool is_outcome_of_spooler(enum audit_outcome outcome)
{
	return outcome == AUDIT_DEAD || outcome == AUDIT_GIVEN_UP ||
	       !is_outcome_of_try(outcome);
}

const char *delivery_submit_fault(const struct session *session,
				  const struct audit_record *record)
{
	if (record->event != AUDIT_DELIVERY)
		return "it submitted what is no delivery";
	if (!record_outcome_fits(record))
		return "it submitted an outcome that this event can't have";
	if (session->kind == SESSION_SPOOLER)
		return is_outcome_of_spooler(record->outcome)
			       ? NULL
			       : "it submitted an outcome that only a courier can know";
	if (strcmp(record->destination, session->destination) != 0)
		return "it submitted a delivery to another destination";
	return is_outcome_of_try(record->outcome)
		       ? NULL
		       : "it submitted an outcome that only the spooler can know";
}

bool delivery_is_begun(const struct session *session, const struct audit_record *record)
{
	return session->has_begun &&
	       strcmp(session->begun.sop_instance, record->sop_instance) == 0;
}

void delivery_trim(struct audit_record *record)
{
#define CLEAR(field) memset(record->field, 0, sizeof(record->field))
	CLEAR(certificate);
	CLEAR(subject);
	CLEAR(shown_certificate);
	CLEAR(shown_subject);
	CLEAR(tls_version);
	CLEAR(tls_cipher);
	CLEAR(tls_group);
#undef CLEAR
}
