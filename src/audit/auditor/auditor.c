/* The auditor's loop. It reads all that is ready, writes that with one sync and only then
 * answers: the busier the auditor is, the more records share a sync. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "cathgate/audit/auditor.h"
#include "cathgate/base/clock.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"
#include "cathgate/process/process.h"
#include "process.h"
#include "refusals.h"
#include "sessions.h"
#include "audit/write/writer.h"

#define LOCK_WAIT_MS	 5000
#define TELL_RETRY_MS	 1000
#define FIGURES_EVERY_MS 1000
#define GATHER_US	 200
#define EVENTS_A_TURN	 64
#define MESSAGES_A_TURN	 4 /* of one channel, so that none starves the others */
#define TOLD_HOW_MS	 2000
#define TOLD_LOOK_MS	 100

struct auditor {
	int control;
	struct message_control stop; /* kept until every association has ended */
	bool has_stop;
	bool is_control_open;
	bool has_told_trouble, has_told_reserve;
	uint64_t told_syncs; /* of the figures that were told last ... */
	int64_t figures_ms;  /* ... and when others may be */
	struct pseudonym pseudonym;
	struct writer writer;
	struct refusals refusals;
	struct sessions sessions;
};

/* Nobody tries the disk again once the gateway is told to stop. */
static bool is_ending(const struct auditor *auditor)
{
	return auditor->has_stop || !auditor->is_control_open;
}

static void commit_records(struct auditor *auditor)
{
	enum log_file_result result = writer_commit(&auditor->writer);
	sessions_answer(&auditor->sessions, result == LOG_FILE_DONE, is_ending(auditor));
}

static bool add_record(struct auditor *auditor, const char *association, const char *peer,
		       const struct audit_record *record)
{
	if (writer_is_full(&auditor->writer) && !auditor->writer.is_in_trouble)
		commit_records(auditor);
	return writer_add(&auditor->writer, association, peer, record);
}

static void add_summary(void *context, const char *peer,
			const struct audit_record *summary)
{
	struct auditor *auditor = context;
	log_warning("%s%s%s: %s: %s", summary->modality, summary->modality[0] ? ": " : "",
		    audit_outcome_name(summary->outcome), reason_name(summary->reason),
		    summary->detail);
	add_record(auditor, "", peer, summary);
}

static void end_session(struct auditor *auditor, struct session *session,
			const char *fault)
{
	struct audit_record records[SESSION_LAST_RECORDS];
	size_t count = session_last_records(session, fault, records);
	char name[SESSION_NAME_SIZE];
	session->has_ended = true;
	refusals_tell_ended(&auditor->refusals, session);
	if (fault)
		log_error("%s: its channel is closed, %s", session_name(session, name),
			  fault);
	for (size_t i = 0; i < count; i++)
		if (!refusals_take(&auditor->refusals, session, &records[i]))
			add_record(auditor, session_association(session, &records[i]),
				   session->peer, &records[i]);
	sessions_remove(&auditor->sessions, session);
}

/* A process that ends without a last word may have died by a signal: the supervisor says
 * by which, once it has reaped it. The lines wait for that, but not for long. A process
 * that only closes its channel and lives on gains nothing. */
static bool waits_to_be_told(const struct auditor *auditor, const struct session *session)
{
	return auditor->is_control_open && !session->is_told &&
	       session_has_last_words(session);
}

static void end_untold(struct auditor *auditor)
{
	struct session *session = LIST_FIRST(&auditor->sessions.all), *next;
	for (; session && auditor->sessions.untold > 0; session = next) {
		next = LIST_NEXT(session, others);
		if (session->until_ms != 0 && (!waits_to_be_told(auditor, session) ||
					       clock_ms() >= session->until_ms))
			end_session(auditor, session, NULL);
	}
}

/* Whoever has time waits until the log has room, so that none of its records is lost. */
static bool may_read(void *context, const struct session *session)
{
	const struct auditor *auditor = context;
	bool has_room = session->kind == SESSION_ASSOCIATION || is_ending(auditor) ||
			!auditor->writer.is_in_trouble ||
			!writer_is_full(&auditor->writer);
	return has_room && !session_is_full(session);
}

static void take_submitted(struct auditor *auditor, struct session *session,
			   uint32_t number, const struct audit_record *record)
{
	struct session_answer answer = { .number = number };
	if (refusals_take(&auditor->refusals, session, record)) {
		sessions_send(session, number, MESSAGE_COUNTED);
		return;
	}
	refusals_tell_ended(&auditor->refusals, session);
	/* Due only now, because add_record may commit to make room, and answer all that
	 * is due. */
	answer.is_queued = add_record(auditor, session_association(session, record),
				      session->peer, record);
	sessions_add_due(&auditor->sessions, session, answer);
}

static void read_channel(struct auditor *auditor, struct session *session)
{
	struct message_said message;
	struct audit_record record;
	const char *fault = NULL;
	bool has_closed = false, has_submitted;
	if (!may_read(auditor, session)) {
		sessions_pause(&auditor->sessions, session);
		return;
	}
	for (int i = 0; i < MESSAGES_A_TURN && !fault && may_read(auditor, session);
	     i++) {
		ssize_t size = recv(session->channel, &message, sizeof(message),
				    MSG_DONTWAIT | MSG_TRUNC);
		has_closed = size == 0;
		if (has_closed || (size < 0 && errno == EAGAIN))
			break;
		if (size < 0) /* A reset is reported before what is still queued. */
			continue;
		fault = session_take(session, &auditor->pseudonym, &message, (size_t)size,
				     &has_submitted, &record);
		if (has_submitted)
			take_submitted(auditor, session, message.head.number, &record);
	}
	OPENSSL_cleanse(&message, sizeof(message));
	if (has_closed && waits_to_be_told(auditor, session))
		sessions_wait_to_be_told(&auditor->sessions, session,
					 clock_ms() + TOLD_HOW_MS);
	else if (has_closed || fault)
		end_session(auditor, session, fault);
}

static void set_ending(struct auditor *auditor,
		       const struct message_control_head *address, const char *how)
{
	struct session *session = sessions_find(&auditor->sessions, address->association);
	if (!session)
		return;
	session->is_told = true;
	session->ending = address->reason;
	snprintf(session->how, sizeof(session->how), "%s", how);
}

static bool send_reply(struct auditor *auditor, enum audit_reply reply)
{
	char byte = (char)reply;
	return send(auditor->control, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

static bool brings_channel(uint32_t kind)
{
	return kind == MESSAGE_OPEN || kind == MESSAGE_RENEW ||
	       kind == MESSAGE_OPEN_COURIER || kind == MESSAGE_OPEN_SPOOLER;
}

static void take_control(struct auditor *auditor, struct message_control *message,
			 size_t size, int channel)
{
	struct message_control_head *address = &message->address;
	bool is_alone = size == sizeof(*address);
	bool is_whole = size == sizeof(*message);
	address->association[sizeof(address->association) - 1] = '\0';
	address->peer[sizeof(address->peer) - 1] = '\0';
	address->destination[sizeof(address->destination) - 1] = '\0';
	if (is_alone && brings_channel(address->kind) && channel >= 0) {
		sessions_open(&auditor->sessions, channel, address);
		return;
	}
	if (channel >= 0)
		close(channel);
	if (address->kind == MESSAGE_ENDING && address->reason < REASON_COUNT &&
	    (is_alone || (is_whole && record_is_sound(&message->record))))
		set_ending(auditor, address, is_whole ? message->record.detail : "");
	else if (is_alone && address->kind == MESSAGE_PING)
		send_reply(auditor, AUDIT_ALIVE);
	else if (is_alone && brings_channel(address->kind))
		log_error(
			"association %s: its channel to the auditor was lost; raise the "
			"service's LimitNOFILE",
			address->association);
	else if (is_whole && address->kind == MESSAGE_TELL &&
		 record_is_sound(&message->record)) {
		pseudonym_apply(&auditor->pseudonym, &message->record);
		if (message->record.event == AUDIT_STOP) {
			auditor->stop = *message;
			auditor->has_stop = true;
			return;
		}
		add_record(auditor, address->association, address->peer,
			   &message->record);
	} else
		log_bug("the supervisor sent the auditor a message it doesn't know");
}

/* The auditor reads this socket before any channel: it must know what the supervisor says
 * of an association's end when that association's channel closes. */
static void read_control(struct auditor *auditor)
{
	while (auditor->is_control_open) {
		struct message_control message;
		int channel;
		ssize_t size =
			descriptor_receive(auditor->control, &message, sizeof(message),
					   &channel, MSG_DONTWAIT | MSG_TRUNC);
		if (size > 0)
			take_control(auditor, &message, (size_t)size, channel);
		else if (size < 0 && errno == EAGAIN)
			return;
		else if (size == 0 || errno != ECONNRESET) {
			epoll_ctl(auditor->sessions.epoll, EPOLL_CTL_DEL,
				  auditor->control, NULL);
			auditor->is_control_open = false;
		}
	}
}

static void tell_trouble(struct auditor *auditor)
{
	bool is_in_trouble = auditor->writer.is_in_trouble;
	bool is_reached = auditor->refusals.reserve.is_reached;
	if (is_in_trouble != auditor->has_told_trouble &&
	    send_reply(auditor, is_in_trouble ? AUDIT_FULL : AUDIT_WELL))
		auditor->has_told_trouble = is_in_trouble;
	if (is_reached != auditor->has_told_reserve &&
	    send_reply(auditor, is_reached ? AUDIT_SHORT_OF_ROOM : AUDIT_ROOM))
		auditor->has_told_reserve = is_reached;
}

static void look_for_room(struct auditor *auditor)
{
	struct audit_record alert;
	if (refusals_look(&auditor->refusals, &auditor->writer.log.file, &alert))
		add_record(auditor, "", "", &alert);
}

static bool has_figures(const struct auditor *auditor)
{
	return histogram_total(&auditor->writer.sync) != auditor->told_syncs;
}

/* Figures are sums, so that those which don't get through now are in the next. */
static void tell_figures(struct auditor *auditor)
{
	struct audit_figures figures = { .sync = auditor->writer.sync };
	if (!has_figures(auditor) || clock_ms() < auditor->figures_ms)
		return;
	auditor->figures_ms = clock_ms() + FIGURES_EVERY_MS;
	if (send(auditor->control, &figures, sizeof(figures),
		 MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof(figures))
		auditor->told_syncs = histogram_total(&figures.sync);
}

/* -1: never. */
static int sooner(int a_ms, int b_ms)
{
	return a_ms < 0 || (b_ms >= 0 && b_ms < a_ms) ? b_ms : a_ms;
}

static int wait_ms(const struct auditor *auditor)
{
	bool is_untold =
		auditor->writer.is_in_trouble != auditor->has_told_trouble ||
		auditor->refusals.reserve.is_reached != auditor->has_told_reserve;
	int wait_ms = is_untold ? TELL_RETRY_MS : writer_wait_ms(&auditor->writer);
	wait_ms =
		sooner(wait_ms, repeats_wait_ms(&auditor->refusals.repeats, clock_ms()));
	if (auditor->sessions.untold > 0) /* rare: no need to be exact */
		wait_ms = sooner(wait_ms, TOLD_LOOK_MS);
	if (!has_figures(auditor) || !auditor->is_control_open)
		return wait_ms;
	return sooner(wait_ms, FIGURES_EVERY_MS);
}

/* Takes in all that is ready, after waiting at most `wait_us` for it, -1 for ever.
 * Returns how many sockets that were. */
static int take_ready(struct auditor *auditor, int64_t wait_us)
{
	struct epoll_event events[EVENTS_A_TURN];
	struct timespec wait = { .tv_sec = wait_us / 1000000,
				 .tv_nsec = wait_us % 1000000 * 1000 };
	int count = epoll_pwait2(auditor->sessions.epoll, events, EVENTS_A_TURN,
				 wait_us < 0 ? NULL : &wait, NULL);

	if (count < 0 && errno == ENOSYS) /* before Linux 5.11, and in qemu 7 */
		count = epoll_wait(auditor->sessions.epoll, events, EVENTS_A_TURN,
				   wait_us < 0 ? -1 : (int)((wait_us + 999) / 1000));
	read_control(auditor);
	for (int i = 0; i < count; i++)
		if (events[i].data.ptr)
			read_channel(auditor, events[i].data.ptr);
	return count;
}

/* Whether a record waits for its sync while another is about to come: that of an instance
 * whose last fragment is on its way to the PACS. */
static bool is_worth_gathering(const struct auditor *auditor)
{
	const struct session *session;
	if (LIST_EMPTY(&auditor->sessions.due))
		return false;
	LIST_FOREACH(session, &auditor->sessions.all, others)
	{
		if (session->has_begun && session->has_sent_last_fragment &&
		    !session_is_full(session))
			return true;
	}
	return false;
}

/* A sync costs as much for one record as for many. So the first record that needs one
 * waits for others about as long as a sync takes. */
static void gather_records(struct auditor *auditor)
{
	int64_t end_us = clock_us() + GATHER_US, left_us = GATHER_US;
	while (left_us > 0 && is_worth_gathering(auditor) &&
	       take_ready(auditor, left_us) > 0)
		left_us = end_us - clock_us();
}

/* False when another is to reach the log's folder, which was replaced. */
MUST_USE static bool serve_channels(struct auditor *auditor)
{
	while (auditor->is_control_open || !LIST_EMPTY(&auditor->sessions.all)) {
		int wait = wait_ms(auditor);
		take_ready(auditor, wait < 0 ? -1 : (int64_t)wait * 1000);
		gather_records(auditor);
		end_untold(auditor);
		look_for_room(auditor);
		repeats_flush(&auditor->refusals.repeats, clock_ms(),
			      auditor->has_stop && LIST_EMPTY(&auditor->sessions.all));
		if (auditor->has_stop && LIST_EMPTY(&auditor->sessions.all)) {
			add_record(auditor, auditor->stop.address.association,
				   auditor->stop.address.peer, &auditor->stop.record);
			auditor->has_stop = false;
		}
		commit_records(auditor);
		sessions_resume(&auditor->sessions, may_read, auditor);
		writer_tend(&auditor->writer);
		if (auditor->writer.is_in_trouble && sandbox_is_stale())
			return false;
		tell_trouble(auditor);
		tell_figures(auditor);
	}
	repeats_flush(&auditor->refusals.repeats, clock_ms(), true);
	writer_finish(&auditor->writer);
	return true;
}

static int auditor_open(int control, const struct config *config, struct auditor *auditor)
{
	const struct config_audit *audit = &config->audit;
	const char *error;
	struct epoll_event event = { .events = EPOLLIN };
	if (pseudonym_open(audit, &auditor->pseudonym, &error)) {
		log_error("the pseudonym key %s %s", audit->pseudonym_key.path, error);
		return -1;
	}
	if (writer_open(audit, LOCK_WAIT_MS, config->gateway_name, &auditor->writer))
		return -1;
	if (refusals_open(&auditor->refusals, audit, add_summary, auditor) != 0) {
		log_error("the auditor has no memory to count refusals");
		return -1;
	}
	auditor->sessions.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (auditor->sessions.epoll < 0 ||
	    epoll_ctl(auditor->sessions.epoll, EPOLL_CTL_ADD, control, &event)) {
		log_error("the auditor can't watch its sockets: %m");
		return -1;
	}
	return 0;
}

static void auditor_close(struct auditor *auditor)
{
	sessions_close(&auditor->sessions);
	if (auditor->sessions.epoll >= 0)
		close(auditor->sessions.epoll);
	writer_close(&auditor->writer);
	pseudonym_close(&auditor->pseudonym);
	refusals_close(&auditor->refusals);
}

int auditor_run(int control, const struct config *config,
		const struct sandbox_program *sandbox)
{
	struct auditor auditor = {
		.control = control,
		.sessions = { .epoll = -1 },
		.is_control_open = true,
		.writer = { .log = { .file = { .fd = -1, .lock = -1 } } }
	};
	int status = 1;
	process_ignore_signals();
	if (auditor_open(control, config, &auditor) ||
	    process_enter_sandbox(&config->audit, sandbox) != 0)
		goto out;
	send_reply(&auditor, AUDIT_READY);
	status = !serve_channels(&auditor) ? ROLE_ANEW : auditor.writer.count > 0;
	if (auditor.writer.count > 0)
		log_error("%s: %zu records could not be written; none was acknowledged",
			  config->audit.file.path,
			  auditor.writer.count + auditor.writer.lost);
out:
	auditor_close(&auditor);
	return status;
}
