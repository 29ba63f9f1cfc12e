#include "sessions.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/base/log.h"

static int watch_channel(struct sessions *sessions, int channel, struct session *session)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = session };
	int result = epoll_ctl(sessions->epoll, EPOLL_CTL_ADD, channel, &event);
	char name[SESSION_NAME_SIZE];
	if (result)
		log_error("%s: the auditor can't watch its channel: %m",
			  session_name(session, name));
	return result;
}

static void add_session(struct sessions *sessions, int channel,
			const struct message_control_head *address)
{
	struct session *session = session_new(channel, address);
	if (!session) {
		log_error("association %s: the auditor has no memory for its channel",
			  address->association);
		close(channel);
		return;
	}
	if (watch_channel(sessions, channel, session)) {
		session_free(session);
		return;
	}
	LIST_INSERT_HEAD(&sessions->all, session, others);
}

struct session *sessions_find(struct sessions *sessions, const char *association)
{
	struct session *session;
	LIST_FOREACH(session, &sessions->all, others)
	{
		if (session->kind != SESSION_SPOOLER &&
		    strcmp(session->association, association) == 0)
			return session;
	}
	return NULL;
}

static void forget_pause(struct sessions *sessions, struct session *session)
{
	sessions->paused -= session->is_paused;
	session->is_paused = false;
}

/* An association that gets a second channel keeps what it told on the first, and its used
 * limits. One that lost its channel by its own doing gets none. Either would be a way
 * around the limits otherwise. A courier's id is one process's, so the same holds. */
static void renew_session(struct sessions *sessions, int channel,
			  const struct message_control_head *address)
{
	struct session *session = sessions_find(sessions, address->association);
	if (session && session->until_ms == 0 && session_is_of(session, address) &&
	    watch_channel(sessions, channel, session) == 0) {
		epoll_ctl(sessions->epoll, EPOLL_CTL_DEL, session->channel, NULL);
		forget_pause(sessions, session);
		session_move(session, channel);
	} else if (session || ended_has(&sessions->ended, address->association)) {
		close(channel);
	} else {
		add_session(sessions, channel, address);
	}
}

void sessions_open(struct sessions *sessions, int channel,
		   const struct message_control_head *address)
{
	if (address->kind == MESSAGE_RENEW || address->kind == MESSAGE_OPEN_COURIER)
		renew_session(sessions, channel, address);
	else
		add_session(sessions, channel, address);
}

static void remove_session(struct sessions *sessions, struct session *session)
{
	sessions->untold -= session->until_ms != 0;
	forget_pause(sessions, session);
	if (session->due_count > 0)
		LIST_REMOVE(session, others_due);
	LIST_REMOVE(session, others);
	session_free(session);
}

void sessions_remove(struct sessions *sessions, struct session *session)
{
	if (!session_is_silent(session))
		ended_note(&sessions->ended, session->association);
	remove_session(sessions, session);
}

void sessions_close(struct sessions *sessions)
{
	while (!LIST_EMPTY(&sessions->all))
		remove_session(sessions, LIST_FIRST(&sessions->all));
}

void sessions_wait_to_be_told(struct sessions *sessions, struct session *session,
			      int64_t until_ms)
{
	epoll_ctl(sessions->epoll, EPOLL_CTL_DEL, session->channel, NULL);
	session->until_ms = until_ms;
	sessions->untold++;
}

void sessions_pause(struct sessions *sessions, struct session *session)
{
	epoll_ctl(sessions->epoll, EPOLL_CTL_DEL, session->channel, NULL);
	sessions->paused += !session->is_paused;
	session->is_paused = true;
}

void sessions_resume(struct sessions *sessions,
		     bool (*may_read)(void *context, const struct session *session),
		     void *context)
{
	struct session *session;
	LIST_FOREACH(session, &sessions->all, others)
	{
		if (sessions->paused == 0)
			return;
		/* One that can't be watched now is tried again. */
		if (session->is_paused && may_read(context, session) &&
		    watch_channel(sessions, session->channel, session) == 0)
			forget_pause(sessions, session);
	}
}

void sessions_add_due(struct sessions *sessions, struct session *session,
		      struct session_answer answer)
{
	if (session->due_count == 0)
		LIST_INSERT_HEAD(&sessions->due, session, others_due);
	session->due[session->due_count++] = answer;
}

void sessions_send(const struct session *session, uint32_t number, uint32_t is_durable)
{
	struct message_answer message = { .number = number, .durable = is_durable };
	/* The next turn reads the channel's end. */
	if (send(session->channel, &message, sizeof(message),
		 MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		shutdown(session->channel, SHUT_RDWR);
}

static void answer_session(struct session *session, bool is_durable)
{
	for (unsigned i = 0; i < session->due_count; i++)
		sessions_send(session, session->due[i].number,
			      is_durable && session->due[i].is_queued);
	session->due_count = 0;
	LIST_REMOVE(session, others_due);
}

void sessions_answer(struct sessions *sessions, bool is_durable, bool is_ending)
{
	struct session *session = LIST_FIRST(&sessions->due), *next;
	for (; session; session = next) {
		next = LIST_NEXT(session, others_due);
		if (is_durable || is_ending || session->kind == SESSION_ASSOCIATION)
			answer_session(session, is_durable);
	}
}
