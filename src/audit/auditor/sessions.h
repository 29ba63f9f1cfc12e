/*
 * All processes that have a channel to the auditor: which channels are watched, and whose
 * records wait for an answer.
 *
 * An association has one record in the auditor's hands, and hears at once when it isn't
 * durable, because a modality waits. A courier or the spooler has up to
 * AUDIT_OUTSTANDING_MAX, and while the log can't be written none of these is answered:
 * nobody waits for them but objects that are safe in the spool.
 */
#pragma once

#include "ended.h"
#include "session.h"

struct sessions {
	int epoll;
	LIST_HEAD(, session) all;
	LIST_HEAD(, session) due; /* those with records that wait for an answer */
	struct ended ended;
	unsigned untold; /* whose channel has closed, and who wait to be told why */
	unsigned paused;
};

/* Has a new channel served, as its address says; takes ownership of it, and closes it
 * when that is nobody who gets one. */
void sessions_open(struct sessions *sessions, int channel,
		   const struct message_control_head *address);
struct session *sessions_find(struct sessions *sessions, const char *association);
/* Removes a session and closes its channel. */
void sessions_remove(struct sessions *sessions, struct session *session);
void sessions_close(struct sessions *sessions);

/* Its channel has closed and is watched no more; the session stays until `until_ms`. */
void sessions_wait_to_be_told(struct sessions *sessions, struct session *session,
			      int64_t until_ms);

/* Its channel isn't read until sessions_resume finds that it may be. */
void sessions_pause(struct sessions *sessions, struct session *session);
void sessions_resume(struct sessions *sessions,
		     bool (*may_read)(void *context, const struct session *session),
		     void *context);

/* The sender of that record hears what became of it with the next sessions_answer. */
void sessions_add_due(struct sessions *sessions, struct session *session,
		      struct session_answer answer);
/* What the senders of all records hear: their records are durable, as far as they were
 * queued. Or they aren't; then couriers and the spooler wait on, unless the auditor is
 * about to end. */
void sessions_answer(struct sessions *sessions, bool is_durable, bool is_ending);
/* One answer. A process that doesn't read its answers loses its channel. */
void sessions_send(const struct session *session, uint32_t number, uint32_t is_durable);
