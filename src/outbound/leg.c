#include "cathgate/outbound/leg.h"

#include <errno.h>
#include <string.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"

#define LOOK_UP_MS 100

int64_t leg_sooner(int64_t a_ms, int64_t b_ms)
{
	if (a_ms == 0 || b_ms == 0)
		return a_ms == 0 ? b_ms : a_ms;
	return a_ms < b_ms ? a_ms : b_ms;
}

int leg_poll_timeout(int64_t until_ms)
{
	int64_t left;

	if (until_ms == 0)
		return -1;
	left = until_ms - clock_ms();
	return left <= 0 ? 0 : left > 60000 ? 60000 : (int)left + 1;
}

static bool has_passed(int64_t moment_ms)
{
	return moment_ms != 0 && clock_ms() >= moment_ms;
}

bool leg_is_late(const struct leg *leg)
{
	return has_passed(leg->deadline_ms);
}

void leg_deadline(struct leg *leg, int64_t deadline_ms, enum reason late)
{
	leg->deadline_ms = deadline_ms;
	leg->silence_ms = 0;
	leg->late = late;
}

void leg_deadline_in(struct leg *leg, unsigned seconds, enum reason late)
{
	leg_deadline(leg, seconds ? clock_ms() + (int64_t)seconds * 1000 : 0, late);
}

void leg_silence(struct leg *leg, unsigned seconds, enum reason late)
{
	leg->deadline_ms = 0;
	leg->silence_ms = (int64_t)seconds * 1000;
	leg->late = late;
}

/* A read may wait several times, since what comes need not be data: its silence began
 * with the read. Each wait for a write ends with a part of the data gone. */
static int64_t silent_until_ms(const struct leg *leg, short events)
{
	int64_t since_ms =
		events & POLLIN ? leg->read_since_ms : leg->wait_began_us / 1000;

	return leg_sooner(leg->silence_ms ? since_ms + leg->silence_ms : 0,
			  leg->deadline_ms);
}

static enum reason hear_owner(struct leg *leg, struct leg_poll *polled)
{
	return leg->owner.heard ? leg->owner.heard(leg->owner.context, polled)
				: REASON_NONE;
}

/* Until the socket is ready. Where something is wrong with it, the call that waits finds
 * out. Why the wait is interrupted, or REASON_NONE. */
static enum reason poll_until(struct leg *leg, struct leg_poll *polled, int64_t until_ms)
{
	for (;;) {
		int64_t end_ms = leg_sooner(until_ms, polled->until_ms);
		enum reason reason;

		if (poll(polled->fds, LEG_POLLED, leg_poll_timeout(end_ms)) < 0) {
			if (errno == EINTR)
				continue;
			log_bug("poll: %s", strerror(errno));
			return REASON_INTERNAL;
		}
		reason = hear_owner(leg, polled);
		if (reason != REASON_NONE || polled->fds[0].revents)
			return reason;
		if (has_passed(until_ms))
			return leg->late;
	}
}

int leg_wait(void *context, int fd, short events)
{
	struct leg *leg = context;
	int64_t until_ms;
	struct leg_poll polled = {
		.fds = { { .fd = fd, .events = events }, { .fd = -1 }, { .fd = -1 } }
	};

	leg->wait_began_us = clock_us();
	until_ms = silent_until_ms(leg, events);
	if (leg->interrupted == REASON_NONE && until_ms != 0 &&
	    leg->wait_began_us / 1000 >= until_ms)
		leg->interrupted = leg->late; /* however much is there to be read */
	if (leg->interrupted != REASON_NONE)
		return -1;
	if (leg->owner.begin)
		leg->owner.begin(leg->owner.context, &polled);
	leg->interrupted = poll_until(leg, &polled, until_ms);
	return leg->interrupted == REASON_NONE ? 0 : -1;
}

int leg_look_up(struct leg *leg)
{
	int64_t now_ms = clock_ms();
	enum reason reason = REASON_NONE;

	if (now_ms - leg->looked_up_ms < LOOK_UP_MS)
		return 0;
	leg->looked_up_ms = now_ms;
	if (leg->owner.look_up)
		reason = leg->owner.look_up(leg->owner.context);
	if (reason == REASON_NONE && leg_is_late(leg))
		reason = leg->late;
	if (reason != REASON_NONE)
		leg->interrupted = reason;
	if (leg->interrupted == REASON_NONE)
		return 0;
	errno = ECANCELED;
	return -1;
}

ssize_t leg_read(struct leg *leg, void *buffer, size_t size)
{
	leg->read_since_ms = clock_ms();
	return leg->carrier.read(leg->carrier.context, buffer, size);
}

static ssize_t leg_stream_read(void *context, void *buffer, size_t size)
{
	struct leg *leg = context;

	return leg_look_up(leg) == 0 ? leg_read(leg, buffer, size) : -1;
}

static int leg_stream_write(void *context, const void *bytes, size_t size)
{
	struct leg *leg = context;

	return leg->carrier.write(leg->carrier.context, bytes, size);
}

static ssize_t leg_stream_peek(void *context, void *buffer, size_t size)
{
	struct leg *leg = context;

	return leg->carrier.peek(leg->carrier.context, buffer, size);
}

void leg_init(struct leg *leg, const struct leg_owner *owner)
{
	*leg = (struct leg){ .owner = *owner,
			     .carrier = { .fd = -1 },
			     .waiter = { .wait = leg_wait, .context = leg } };
}

void leg_opened(struct leg *leg)
{
	leg->stream = (struct transport){ .fd = leg->carrier.fd,
					  .context = leg,
					  .read = leg_stream_read,
					  .write = leg_stream_write,
					  .peek = leg_stream_peek };
}

void leg_close(struct leg *leg)
{
	ul_free(leg->ul);
	leg->ul = NULL;
	transport_close(&leg->carrier);
}
