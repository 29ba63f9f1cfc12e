#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "delivery.h"

static enum session_kind kind_of(const struct message_control_head *address)
{
	return address->kind == MESSAGE_OPEN_COURIER   ? SESSION_COURIER
	       : address->kind == MESSAGE_OPEN_SPOOLER ? SESSION_SPOOLER
						       : SESSION_ASSOCIATION;
}

struct session *session_new(int channel, const struct message_control_head *address)
{
	struct session *session = calloc(1, sizeof(*session));
	if (!session)
		return NULL;
	session->channel = channel;
	session->kind = kind_of(address);
	memcpy(session->association, address->association, sizeof(session->association));
	memcpy(session->peer, address->peer, sizeof(session->peer));
	memcpy(session->destination, address->destination, sizeof(session->destination));
	audit_record_init(&session->known);
	session->known.event = AUDIT_ASSOCIATION;
	session->ending = REASON_INTERNAL;
	session->is_renewed = address->kind == MESSAGE_RENEW;
	return session;
}

void session_move(struct session *session, int channel)
{
	close(session->channel);
	session->channel = channel;
	session->has_spoken_here = false;
	session->may_begin_again = session->has_begun;
}

void session_free(struct session *session)
{
	if (!session)
		return;
	close(session->channel);
	free(session);
}

bool session_is_of(const struct session *session,
		   const struct message_control_head *address)
{
	return session->kind == kind_of(address) &&
	       strcmp(session->association, address->association) == 0 &&
	       strcmp(session->destination, address->destination) == 0;
}

const char *session_name(const struct session *session, char ret[SESSION_NAME_SIZE])
{
	if (session->kind == SESSION_ASSOCIATION)
		snprintf(ret, SESSION_NAME_SIZE, "association %s", session->association);
	else if (session->kind == SESSION_COURIER)
		snprintf(ret, SESSION_NAME_SIZE, "courier %s of destination %s",
			 session->association, session->destination);
	else
		snprintf(ret, SESSION_NAME_SIZE, "the spooler");
	return ret;
}

bool session_is_silent(const struct session *session)
{
	return (session->is_renewed || session->kind != SESSION_ASSOCIATION) &&
	       !session->has_spoken;
}

bool session_has_last_words(const struct session *session)
{
	return session->kind == SESSION_ASSOCIATION
		       ? !session->has_ended && !session_is_silent(session)
		       : session->has_begun;
}

bool session_is_full(const struct session *session)
{
	return session->due_count >=
	       (session->kind == SESSION_ASSOCIATION ? 1 : AUDIT_OUTSTANDING_MAX);
}

/* The record of acceptance names the modality. A process that was taken over since then
 * can't say otherwise. */
static void pin_known(const struct session *session, struct audit_record *record)
{
	if (!session->is_pinned)
		return;
#define PIN(field) memcpy(record->field, session->known.field, sizeof(record->field))
	PIN(certificate);
	PIN(subject);
	PIN(shown_certificate);
	PIN(shown_subject);
	PIN(tls_version);
	PIN(tls_cipher);
	PIN(tls_group);
	PIN(modality);
	PIN(calling_ae);
	PIN(called_ae);
	PIN(destination);
#undef PIN
}

static void keep_known(struct session *session, const struct audit_record *association)
{
	session->known = *association;
	if (association->outcome == AUDIT_ACCEPTED)
		session->is_pinned = true;
}

static const char *take_announce(struct session *session, struct audit_record *record)
{
	if (session->kind != SESSION_ASSOCIATION || record->event != AUDIT_ASSOCIATION ||
	    (record->outcome != AUDIT_ACCEPTED && record->outcome != AUDIT_NO_OUTCOME))
		return "it announced what is no standing association";
	pin_known(session, record);
	keep_known(session, record);
	return NULL;
}

static const char *begin_fault(const struct session *session,
			       const struct audit_record *record)
{
	if (session->kind != SESSION_ASSOCIATION)
		return delivery_begin_fault(session, record);
	return record->event == AUDIT_INSTANCE ? NULL : "it began what is no instance";
}

static const char *take_begin(struct session *session, const struct audit_record *record)
{
	bool is_again = session->has_begun && session->may_begin_again &&
			strcmp(session->begun.sop_instance, record->sop_instance) == 0;
	const char *fault = begin_fault(session, record);
	if (fault)
		return fault;
	if (session->has_begun && !is_again)
		return "it began an instance within another";
	session->begun = *record;
	session->has_begun = true;
	session->may_begin_again = false;
	if (!is_again)
		session->has_sent_last_fragment = false;
	return NULL;
}

static const char *take_last_fragment(struct session *session)
{
	if (!session->has_begun)
		return "it told of the last fragment of no instance";
	session->has_sent_last_fragment = true;
	return NULL;
}

static const char *take_delivery(struct session *session,
				 const struct audit_record *record)
{
	const char *fault = delivery_submit_fault(session, record);
	if (!fault && delivery_is_begun(session, record))
		session->has_begun = false;
	return fault;
}

static const char *take_submit(struct session *session, struct audit_record *record)
{
	if (session->kind != SESSION_ASSOCIATION)
		return take_delivery(session, record);
	if (record->event != AUDIT_INSTANCE && record->event != AUDIT_ASSOCIATION)
		return "it submitted an event that is not an association's to tell of";
	if (!record_outcome_fits(record))
		return "it submitted an outcome that this event can't have";
	pin_known(session, record);
	if (record->event == AUDIT_INSTANCE)
		session->has_begun = false;
	if (record->event == AUDIT_ASSOCIATION && record->outcome == AUDIT_ACCEPTED)
		keep_known(session, record);
	else if (record->event == AUDIT_ASSOCIATION)
		session->has_ended = true;
	return NULL;
}

const char *session_take(struct session *session, const struct pseudonym *pseudonym,
			 const struct message_said *message, size_t size,
			 bool *ret_has_submitted, struct audit_record *ret_record)
{
	struct audit_record record;
	bool is_alone = size == sizeof(message->head);
	bool is_first = !session->has_spoken_here;
	*ret_has_submitted = false;
	session->has_spoken_here = session->has_spoken = true;
	if (session->has_ended)
		return "it sent something after its last word";
	if (is_alone && message->head.kind == MESSAGE_LAST_FRAGMENT)
		return take_last_fragment(session);
	if (size != sizeof(*message))
		return "it sent a message of no known size";
	if (!record_is_sound(&message->record))
		return "it sent a malformed record";
	record = message->record;
	pseudonym_apply(pseudonym, &record);
	if (record.event == AUDIT_DELIVERY)
		delivery_trim(&record);
	if (message->head.kind == MESSAGE_ANNOUNCE)
		return is_first ? take_announce(session, &record)
				: "it announced an association behind other messages";
	if (message->head.kind == MESSAGE_BEGIN_SENT) {
		const char *fault = take_begin(session, &record);
		return fault ? fault : take_last_fragment(session);
	}
	if (message->head.kind == MESSAGE_BEGIN)
		return take_begin(session, &record);
	if (message->head.kind != MESSAGE_SUBMIT)
		return "it sent a message of no known kind";
	const char *fault = take_submit(session, &record);
	*ret_has_submitted = !fault;
	if (!fault)
		*ret_record = record;
	return fault;
}

const char *session_association(const struct session *session,
				const struct audit_record *record)
{
	return session->kind == SESSION_ASSOCIATION ? session->association
						    : record->came_by;
}

static void finish_record(const struct session *session, enum audit_outcome outcome,
			  struct audit_record *record)
{
	record->outcome = outcome;
	record->reason = session->ending;
	snprintf(record->detail, sizeof(record->detail), "%s",
		 session->how[0] ? session->how
		 : session->kind == SESSION_COURIER
			 ? "the courier's process ended without a last word"
			 : "its process ended without a last word");
}

static void write_alert(const struct session *session, const char *fault,
			struct audit_record *ret)
{
	static const char *const who[] = {
		[SESSION_ASSOCIATION] = "an association's process",
		[SESSION_COURIER] = "a courier's process",
		[SESSION_SPOOLER] = "the spooler",
	};

	audit_record_init(ret);
	ret->event = AUDIT_ALERT;
	ret->outcome = AUDIT_RAISED;
	ret->reason = REASON_INTERNAL;
	memcpy(ret->destination, session->destination, sizeof(ret->destination));
	snprintf(ret->detail, sizeof(ret->detail), "%s broke the auditor's rules: %s",
		 who[session->kind], fault);
}

size_t session_last_records(const struct session *session, const char *fault,
			    struct audit_record ret[SESSION_LAST_RECORDS])
{
	size_t count = 0;
	if (session_is_silent(session))
		return 0;
	if (fault)
		write_alert(session, fault, &ret[count++]);
	if (session->has_begun) {
		ret[count] = session->begun;
		pin_known(session, &ret[count]);
		finish_record(session,
			      session->has_sent_last_fragment ? AUDIT_UNCONFIRMED
							      : AUDIT_FAILED,
			      &ret[count++]);
	}
	if (session->kind == SESSION_ASSOCIATION && !session->has_ended) {
		ret[count] = session->known;
		finish_record(session, AUDIT_ABORTED, &ret[count++]);
	}
	return count;
}
