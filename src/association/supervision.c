/*
 * Words from and to the supervisor.
 */
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/clock.h"
#include "cathgate/log.h"

#define ANSWER_MS 10000 /* the supervisor never blocks: a later answer is none */

static void stop(struct association *association)
{
	if (association->stopping)
		return;
	association->stopping = true;
	association->grace_deadline_ms =
		clock_ms() + (int64_t)association->config->limits.grace_seconds * 1000;
}

static void take_auditor(struct association *association, const struct msghdr *header)
{
	const struct cmsghdr *control = CMSG_FIRSTHDR(header);

	if (!control || control->cmsg_level != SOL_SOCKET ||
	    control->cmsg_type != SCM_RIGHTS ||
	    control->cmsg_len != CMSG_LEN(sizeof(int)))
		return;
	close(association->auditor);
	memcpy(&association->auditor, CMSG_DATA(control), sizeof(int));
	association->auditor_is_new = true;
	if (!association->last_word_said)
		report_introduce(association);
}

/* One word: 1; 0 when there is none now; -1 when the supervisor is gone. */
static int receive(struct association *association, struct association_word *ret)
{
	char room[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	struct iovec iov = { .iov_base = ret, .iov_len = sizeof(*ret) };
	struct msghdr header = { .msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = room,
				 .msg_controllen = sizeof(room) };
	ssize_t size;

	do {
		size = recvmsg(association->supervisor, &header,
			       MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (size < 0 && errno == EINTR);
	if (size < 0 && errno == EAGAIN)
		return 0;
	if (size != (ssize_t)sizeof(*ret))
		return -1;

	switch (ret->kind) {
	case ASSOCIATION_STOP:
		stop(association);
		break;
	case ASSOCIATION_GRANTED:
	case ASSOCIATION_PACE:
		association->bytes_per_second = ret->bytes_per_second;
		break;
	case ASSOCIATION_AUDITOR:
		take_auditor(association, &header);
		break;
	default:
		break;
	}
	return 1;
}

int supervision_listen(struct association *association)
{
	struct association_word word;
	int got;

	do {
		got = receive(association, &word);
	} while (got > 0);
	if (got < 0)
		stop(association);
	return got;
}

/* Waits for a word of one of the two kinds. */
static int await(struct association *association, enum association_word_kind kind,
		 enum association_word_kind other, struct association_word *ret)
{
	int64_t end_ms = clock_ms() + ANSWER_MS;

	for (;;) {
		struct pollfd line = { .fd = association->supervisor, .events = POLLIN };
		int64_t left_ms = end_ms - clock_ms();
		int got = receive(association, ret);

		if (got < 0)
			return -1;
		if (got > 0 && (ret->kind == kind || ret->kind == other))
			return 0;
		if (got == 0 && left_ms <= 0)
			return -1;
		if (got == 0)
			poll(&line, 1, (int)left_ms);
	}
}

static int send_word(struct association *association, enum association_word_kind kind)
{
	struct association_word word = { .kind = kind };

	if (association->entry)
		word.modality =
			(uint32_t)(association->entry - association->config->modalities);
	return send(association->supervisor, &word, sizeof(word), MSG_NOSIGNAL) ==
			       (ssize_t)sizeof(word)
		       ? 0
		       : -1;
}

void supervision_authenticated(struct association *association)
{
	if (send_word(association, ASSOCIATION_AUTHENTICATED) != 0)
		log_debug("the supervisor is gone");
}

int supervision_ask_place(struct association *association, enum reason *ret_reason,
			  uint8_t *ret_rejection_reason)
{
	struct association_word word;

	if (send_word(association, ASSOCIATION_ASKS_PLACE) != 0 ||
	    await(association, ASSOCIATION_GRANTED, ASSOCIATION_DENIED, &word) != 0) {
		*ret_reason = REASON_GATEWAY_STOPPING;
		*ret_rejection_reason = 1;
		return -1;
	}
	if (word.kind == ASSOCIATION_DENIED) {
		*ret_reason = word.reason;
		*ret_rejection_reason = (uint8_t)word.rejection_reason;
		return -1;
	}
	association->allowance_bytes = word.bytes_per_second;
	association->allowance_us = clock_us();
	return 0;
}

void supervision_return_place(struct association *association)
{
	if (send_word(association, ASSOCIATION_RETURNS_PLACE) != 0)
		log_debug("the supervisor is gone");
}

int supervision_renew_auditor(struct association *association)
{
	struct association_word word;
	bool came = association->auditor_is_new;

	association->auditor_is_new = false;
	if (came)
		return 0;
	if (await(association, ASSOCIATION_AUDITOR, ASSOCIATION_AUDITOR, &word) != 0)
		return -1;
	association->auditor_is_new = false;
	return 0;
}
