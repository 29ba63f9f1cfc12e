/*
 * One association as the auditor sees it: its line, what it said, and what has to be said
 * for it should it die. The process behind the line talks to the network and may be
 * anybody's: each message is checked, and who it is, is what the supervisor said.
 */
#ifndef AUDIT_SESSION_H
#define AUDIT_SESSION_H

#include <sys/queue.h>

#include "audit/client/message.h"
#include "audit/format/pseudonym.h"
#include "audit/format/record.h"

struct session {
	LIST_ENTRY(session) others;
	SLIST_ENTRY(session) others_due;
	int line;
	char association[AUDIT_ASSOCIATION_ID_SIZE];
	char peer[ADDRESS_TEXT_SIZE];
	/* What it was opened with or renewed as, and whether it has said anything, on
	 * this line and on any. */
	bool is_renewed, has_spoken_here, has_spoken;
	struct audit_record known; /* accepted or announced; empty before */
	bool is_pinned;		   /* what `known` says of who it is rules */
	struct audit_record begun;
	bool has_begun, has_sent_last_fragment, has_ended;
	bool may_begin_again; /* the one instance that it had begun on its line before */
	bool has_counted;     /* refused instances that the log has no line of yet */
	enum reason ending;   /* why the supervisor ends it, or internal */
	/* What it waits for: the answer to the record of that number. */
	bool is_answer_due, is_queued;
	uint32_t number;
};

/* Takes the line's ownership; NULL without memory. */
struct session *session_new(int line, const struct message_address *address);
/* The same association on a line of which the session takes ownership; its last one is
 * closed. All that is known of it stays. */
void session_move(struct session *session, int line);
void session_free(struct session *session);

/* It was renewed and has said nothing since: there is nothing to tell of it. */
bool session_is_silent(const struct session *session);

/* Takes in one message of `size` bytes. NULL, or what is wrong with it: then this session
 * is to be ended. Where it is a record to write (is_answer_due is then set), what is to
 * be written is left in the message. */
const char *session_take(struct session *session, const struct pseudonym *pseudonym,
			 struct message_said *message, size_t size);

/* What is left to be written at its end: up to SESSION_LAST_WORDS records, `fault` what
 * session_take said, or NULL. Returns how many. */
#define SESSION_LAST_WORDS 3
size_t session_last_words(const struct session *session, const char *fault,
			  struct audit_record ret[SESSION_LAST_WORDS]);

#endif
