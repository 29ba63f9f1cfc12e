/*
 * The ends that speak to the auditor: a channel, and the supervisor's control socket.
 */
#include "message.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/descriptors.h"

/* Sends one message: a head and, unless NULL, a record. Never waits. */
MUST_USE static int send_message(int socket, void *head, size_t head_size,
				 const struct audit_record *record)
{
	/* In one piece: sendmsg is no call of an association's. */
	unsigned char message[sizeof(struct message_control)];
	size_t size = head_size + (record ? sizeof(*record) : 0);
	ssize_t sent;

	memcpy(message, head, head_size);
	if (record)
		memcpy(message + head_size, record, sizeof(*record));
	do
		sent = send(socket, message, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

/* Waits for `events`, or the socket's end; -1 with ETIMEDOUT at the deadline. */
MUST_USE static int wait_for_channel(int socket, short events, int64_t deadline_ms)
{
	for (;;) {
		struct pollfd poll_one = { .fd = socket, .events = events };
		int64_t left_ms = deadline_ms - clock_ms();
		int ready = poll(&poll_one, 1, left_ms > 0 ? (int)left_ms : 0);
		if (ready > 0)
			return 0;
		if (ready == 0)
			errno = ETIMEDOUT;
		if (errno != EINTR)
			return -1;
	}
}

int audit_announce(int channel, const struct audit_record *association)
{
	struct message_head head = { .kind = MESSAGE_ANNOUNCE };
	return send_message(channel, &head, sizeof(head), association);
}

int audit_begin(int channel, const struct audit_record *instance)
{
	struct message_head head = { .kind = MESSAGE_BEGIN };
	return send_message(channel, &head, sizeof(head), instance);
}

int audit_begin_again(int channel, const struct audit_record *instance,
		      bool has_sent_last_fragment)
{
	struct message_head head = { .kind = has_sent_last_fragment ? MESSAGE_BEGIN_SENT
								    : MESSAGE_BEGIN };
	return send_message(channel, &head, sizeof(head), instance);
}

int audit_last_fragment(int channel)
{
	struct message_head head = { .kind = MESSAGE_LAST_FRAGMENT };
	return send_message(channel, &head, sizeof(head), NULL);
}

static enum audit_taken taken_of_errno(void)
{
	return errno == ETIMEDOUT ? AUDIT_SLOW : AUDIT_GONE;
}

static enum audit_taken taken_of_answer(const struct message_answer *answer)
{
	if (answer->durable == MESSAGE_COUNTED)
		return AUDIT_COUNTED;
	return answer->durable ? AUDIT_DURABLE : AUDIT_KEPT;
}

static enum audit_taken wait_for_answer(int channel, uint32_t number, int64_t deadline_ms)
{
	for (;;) {
		struct message_answer answer;
		ssize_t got = recv(channel, &answer, sizeof(answer), MSG_DONTWAIT);

		if (got == (ssize_t)sizeof(answer) && answer.number == number)
			return taken_of_answer(&answer);
		if (got == 0)
			return AUDIT_GONE;
		/* An answer to an earlier record, which was given up by then, is passed
		 * over. A reset is reported before what was still queued. */
		if (got > 0 || errno == EINTR || errno == ECONNRESET)
			continue;
		if (errno != EAGAIN ||
		    wait_for_channel(channel, POLLIN, deadline_ms) != 0)
			return taken_of_errno();
	}
}

/* Of records; never 0. */
static uint32_t next_number(void)
{
	static uint32_t last_number;

	if (++last_number == 0)
		last_number++;
	return last_number;
}

enum audit_taken audit_submit(int channel, const struct audit_record *record,
			      int timeout_ms)
{
	int64_t deadline_ms = clock_ms() + timeout_ms;
	struct message_head head = { .kind = MESSAGE_SUBMIT, .number = next_number() };

	while (send_message(channel, &head, sizeof(head), record) != 0) {
		if (errno != EAGAIN ||
		    wait_for_channel(channel, POLLOUT, deadline_ms) != 0)
			return taken_of_errno();
	}
	return wait_for_answer(channel, head.number, deadline_ms);
}

uint32_t audit_submit_soon(int channel, const struct audit_record *record)
{
	struct message_head head = { .kind = MESSAGE_SUBMIT, .number = next_number() };

	return send_message(channel, &head, sizeof(head), record) == 0 ? head.number : 0;
}

enum audit_taken audit_taken_of(int channel, uint32_t *ret_number)
{
	for (;;) {
		struct message_answer answer;
		ssize_t got = recv(channel, &answer, sizeof(answer), MSG_DONTWAIT);

		if (got == (ssize_t)sizeof(answer)) {
			*ret_number = answer.number;
			return taken_of_answer(&answer);
		}
		if (got < 0 && errno == EAGAIN)
			return AUDIT_SLOW;
		/* A reset is reported before what was still queued. */
		if (got == 0 || (got < 0 && errno != EINTR && errno != ECONNRESET))
			return AUDIT_GONE;
	}
}

static void set_text(char *field, size_t size, const char *text)
{
	size_t length = text ? strnlen(text, size - 1) : 0;
	memcpy(field, text ? text : "", length);
}

static struct message_control_head address_of(enum message_kind kind,
					      const char *association, const char *peer)
{
	struct message_control_head address = { .kind = kind };
	set_text(address.association, sizeof(address.association), association);
	set_text(address.peer, sizeof(address.peer), peer);
	return address;
}

MUST_USE static int open_channel(int control, struct message_control_head address)
{
	return descriptors_open(control, &address, sizeof(address));
}

int audit_channel_open(int control, const char *association, const char *peer)
{
	return open_channel(control, address_of(MESSAGE_OPEN, association, peer));
}

int audit_channel_renew(int control, const char *association, const char *peer)
{
	return open_channel(control, address_of(MESSAGE_RENEW, association, peer));
}

int audit_courier_open(int control, const char *id, const char *destination)
{
	struct message_control_head address = address_of(MESSAGE_OPEN_COURIER, id, NULL);
	set_text(address.destination, sizeof(address.destination), destination);
	return open_channel(control, address);
}

int audit_spooler_open(int control)
{
	return open_channel(control, address_of(MESSAGE_OPEN_SPOOLER, NULL, NULL));
}

int audit_channel_ending(int control, const char *association, enum reason reason,
			 const char *how)
{
	struct message_control_head address =
		address_of(MESSAGE_ENDING, association, NULL);
	struct audit_record record;
	address.reason = reason;
	if (!how)
		return send_message(control, &address, sizeof(address), NULL);
	audit_record_init(&record);
	record.event = AUDIT_ASSOCIATION;
	set_text(record.detail, sizeof(record.detail), how);
	return send_message(control, &address, sizeof(address), &record);
}

int audit_tell(int control, const char *peer, const struct audit_record *record)
{
	struct message_control_head address = address_of(MESSAGE_TELL, NULL, peer);
	return send_message(control, &address, sizeof(address), record);
}

int audit_ping(int control)
{
	struct message_control_head address = address_of(MESSAGE_PING, NULL, NULL);
	return send_message(control, &address, sizeof(address), NULL);
}
