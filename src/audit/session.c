#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct session *session_new(int line, const struct message_address *address)
{
	struct session *session = calloc(1, sizeof(*session));
	if (!session)
		return NULL;
	session->line = line;
	memcpy(session->association, address->association, sizeof(session->association));
	memcpy(session->peer, address->peer, sizeof(session->peer));
	audit_record_init(&session->accepted);
	session->accepted.event = AUDIT_ASSOCIATION;
	session->ending = REASON_INTERNAL;
	return session;
}

void session_free(struct session *session)
{
	if (!session)
		return;
	close(session->line);
	free(session);
}

static const char *take_begin(struct session *session, const struct audit_record *record)
{
	if (record->event != AUDIT_INSTANCE)
		return "it began what is no instance";
	if (session->has_begun)
		return "it began an instance within another";
	session->begun = *record;
	session->has_begun = true;
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

static const char *take_submit(struct session *session, const struct audit_record *record,
			       uint32_t number)
{
	if (record->event != AUDIT_INSTANCE && record->event != AUDIT_ASSOCIATION &&
	    record->event != AUDIT_ALERT)
		return "it submitted an event that is not an association's to tell of";
	if (!record_outcome_fits(record))
		return "it submitted an outcome that this event can't have";
	if (record->event == AUDIT_INSTANCE)
		session->has_begun = false;
	if (record->event == AUDIT_ASSOCIATION && record->outcome == AUDIT_ACCEPTED)
		session->accepted = *record;
	else if (record->event == AUDIT_ASSOCIATION)
		session->has_ended = true;
	session->number = number;
	session->is_answer_due = true;
	return NULL;
}

const char *session_take(struct session *session, const struct pseudonym *pseudonym,
			 struct message_line *message, size_t size)
{
	bool is_alone = size == sizeof(message->head);
	if (session->has_ended)
		return "it sent something after its last word";
	if (is_alone && message->head.kind == MESSAGE_LAST_FRAGMENT)
		return take_last_fragment(session);
	if (size != sizeof(*message))
		return "it sent a message of no known size";
	if (!record_is_sound(&message->record))
		return "it sent a malformed record";
	pseudonym_apply(pseudonym, &message->record);
	if (message->head.kind == MESSAGE_BEGIN)
		return take_begin(session, &message->record);
	if (message->head.kind == MESSAGE_SUBMIT)
		return take_submit(session, &message->record, message->head.number);
	return "it sent a message of no known kind";
}

static void finish(struct audit_record *record, enum audit_outcome outcome,
		   enum reason reason)
{
	record->outcome = outcome;
	record->reason = reason;
	snprintf(record->detail, sizeof(record->detail),
		 "its process ended without a last word");
}

size_t session_last_words(const struct session *session, const char *fault,
			  struct audit_record ret[SESSION_LAST_WORDS])
{
	size_t count = 0;
	if (fault) {
		struct audit_record *alert = &ret[count++];
		audit_record_init(alert);
		alert->event = AUDIT_ALERT;
		alert->outcome = AUDIT_RAISED;
		alert->reason = REASON_INTERNAL;
		snprintf(alert->detail, sizeof(alert->detail),
			 "an association's process broke the auditor's rules: %s", fault);
	}
	if (session->has_begun) {
		ret[count] = session->begun;
		finish(&ret[count++],
		       session->has_sent_last_fragment ? AUDIT_UNCONFIRMED : AUDIT_FAILED,
		       session->ending);
	}
	if (!session->has_ended) {
		ret[count] = session->accepted;
		finish(&ret[count++], AUDIT_ABORTED, session->ending);
	}
	return count;
}
