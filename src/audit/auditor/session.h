/*
 * One process with a channel, as the auditor sees it: what the process has told, and what
 * the auditor has to record should it die. An association's process and a courier's talk
 * to the network and may have been taken over: the auditor checks each message, and takes
 * an association's id and peer, and a courier's destination, from the supervisor alone.
 */
#pragma once

#include <sys/queue.h>

#include "audit/client/message.h"
#include "audit/format/pseudonym.h"
#include "audit/format/record.h"

enum session_kind { SESSION_ASSOCIATION, SESSION_COURIER, SESSION_SPOOLER };

/* A record whose sender has no answer yet. */
struct session_answer {
	uint32_t number;
	bool is_queued; /* the writer has it */
};

struct session {
	LIST_ENTRY(session) others;
	LIST_ENTRY(session) others_due; /* while due_count > 0 */
	int channel;
	enum session_kind kind;
	char association[AUDIT_ASSOCIATION_ID_SIZE]; /* or the courier's id */
	char peer[ADDRESS_TEXT_SIZE];		     /* of an association, else "" */
	char destination[64];			     /* the courier's only one */
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
	bool is_paused;	      /* nobody watches its channel (sessions.h) */
	/* What it waits for, oldest first. */
	struct session_answer due[AUDIT_OUTSTANDING_MAX];
	unsigned due_count;
};

/* Takes ownership of the channel; NULL without memory. */
MUST_USE struct session *session_new(int channel,
				     const struct message_control_head *address);
/* Goes on with another channel, takes ownership of it and closes the one before. All that
 * is known of the process stays. */
void session_move(struct session *session, int channel);
void session_free(struct session *session);

/* Whether a new channel of that address is this one's successor. */
bool session_is_of(const struct session *session,
		   const struct message_control_head *address);
/* "association 0123456789abcdef", for the program's log. */
#define SESSION_NAME_SIZE 128
const char *session_name(const struct session *session, char ret[SESSION_NAME_SIZE]);

/* The process has said nothing, and the log gets no line of it: an association that was
 * renewed, or any courier or spooler. */
bool session_is_silent(const struct session *session);
/* Whether the log gets lines if the process ends now, although it broke no rule. */
bool session_has_last_words(const struct session *session);
/* As many of its records wait for their answers as may. */
bool session_is_full(const struct session *session);

/* Takes in one message of `size` bytes. NULL, or what is wrong with the message: the
 * session is to be ended then. *ret_has_submitted: it submits a record, and *ret_record
 * is what to write. */
MUST_USE const char *session_take(struct session *session,
				  const struct pseudonym *pseudonym,
				  const struct message_said *message, size_t size,
				  bool *ret_has_submitted,
				  struct audit_record *ret_record);

/* The `association` of a record's line. */
const char *session_association(const struct session *session,
				const struct audit_record *record);

/* What to write when the session ends: up to SESSION_LAST_RECORDS, of which it returns
 * the number. `fault`: what session_take returned. */
#define SESSION_LAST_RECORDS 3
size_t session_last_records(const struct session *session, const char *fault,
			    struct audit_record ret[SESSION_LAST_RECORDS]);
