/*
 * One association as the auditor sees it: its channel, what its process has told, and
 * what the auditor has to record for it should that process die. The process talks to the
 * network and may have been taken over: the auditor checks each message, and takes the
 * association's id and peer from the supervisor alone.
 */
#pragma once

#include <sys/queue.h>

#include "audit/client/message.h"
#include "audit/format/pseudonym.h"
#include "audit/format/record.h"

struct session {
	LIST_ENTRY(session) others;
	SLIST_ENTRY(session) others_due;
	int channel;
	char association[AUDIT_ASSOCIATION_ID_SIZE];
	char peer[ADDRESS_TEXT_SIZE];
	bool is_renewed; /* an earlier auditor knew the association */
	/* Its process has sent something: on this channel, on any. */
	bool has_spoken_here, has_spoken;
	struct audit_record known; /* accepted or announced; empty before */
	bool is_pinned;		   /* certificate, names and so on are those of `known` */
	struct audit_record begun;
	bool has_begun, has_sent_last_fragment, has_ended;
	bool may_begin_again; /* the instance that was begun on the channel before */
	bool has_counted;     /* refused instances that the log has no line of yet */
	enum reason ending;   /* why the supervisor ends the process, or internal */
	bool is_told;	      /* the supervisor has said that it ends, or has ended ... */
	char how[256];	      /* ... and how, if there is more to say than why */
	int64_t until_ms;     /* its channel has closed: so long that is waited for */
	/* The process waits for the answer to its record of that number. */
	bool is_answer_due, is_queued;
	uint32_t number;
};

/* Takes ownership of the channel; NULL without memory. */
MUST_USE struct session *session_new(int channel,
				     const struct message_control_head *address);
/* Goes on with another channel, takes ownership of it and closes the one before. All that
 * is known of the association stays. */
void session_move(struct session *session, int channel);
void session_free(struct session *session);

/* The association was renewed and has sent nothing since: the log gets no line of it. */
bool session_is_silent(const struct session *session);

/* Takes in one message of `size` bytes. NULL, or what is wrong with the message: the
 * session is to be ended then. If the message submits a record, is_answer_due is set and
 * *ret_record is what to write. */
MUST_USE const char *session_take(struct session *session,
				  const struct pseudonym *pseudonym,
				  const struct message_said *message, size_t size,
				  struct audit_record *ret_record);

/* What to write when the session ends: up to SESSION_LAST_RECORDS, of which it returns
 * the number. `fault`: what session_take returned. */
#define SESSION_LAST_RECORDS 3
size_t session_last_records(const struct session *session, const char *fault,
			    struct audit_record ret[SESSION_LAST_RECORDS]);
