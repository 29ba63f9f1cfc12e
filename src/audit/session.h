/*
 * One association as the auditor sees it: its line, what it said, and what has to be said
 * for it should it die. The process behind the line talks to the network and may be
 * anybody's: each message is checked, and who it is, is what the supervisor said.
 */
#ifndef AUDIT_SESSION_H
#define AUDIT_SESSION_H

#include <sys/queue.h>

#include "message.h"
#include "pseudonym.h"
#include "record.h"

struct session {
	LIST_ENTRY(session) others;
	SLIST_ENTRY(session) others_due;
	int line;
	char association[AUDIT_ASSOCIATION_ID_SIZE];
	char peer[ADDRESS_TEXT_SIZE];
	struct audit_record accepted; /* empty before */
	struct audit_record begun;
	bool has_begun, has_sent_last_fragment, has_ended;
	enum reason ending; /* why the supervisor ends it, or internal */
	/* What it waits for: the answer to the record of that number. */
	bool is_answer_due, is_queued;
	uint32_t number;
};

/* Takes the line's ownership; NULL without memory. */
struct session *session_new(int line, const struct message_address *address);
void session_free(struct session *session);

/* Takes in one message of `size` bytes. NULL, or what is wrong with it: then this session
 * is to be ended. Where it is a record to write (is_answer_due is then set), what is to
 * be written is left in the message. */
const char *session_take(struct session *session, const struct pseudonym *pseudonym,
			 struct message_line *message, size_t size);

/* What is left to be written at its end: up to SESSION_LAST_WORDS records, `fault` what
 * session_take said, or NULL. Returns how many. */
#define SESSION_LAST_WORDS 3
size_t session_last_words(const struct session *session, const char *fault,
			  struct audit_record ret[SESSION_LAST_WORDS]);

#endif
