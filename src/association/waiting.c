#include "waiting.h"

#include <errno.h>
#include <poll.h>

#include "internal.h"

#include "cathgate/base/clock.h"

/* Told to stop, with no instance in hand or no grace left. While it ends it has a few
 * seconds for its last PDU all the same. */
static bool is_to_stop_now(const struct association *association)
{
	if (association->is_ending || !association->supervision.is_stopping)
		return false;
	return !association->instance_in_hand ||
	       clock_ms() >= association->supervision.grace_until_ms;
}

static int64_t grace_until_ms(const struct association *association)
{
	return association->is_ending ? 0 : association->supervision.grace_until_ms;
}

/* Looks at what the modality has sent while it is not read from. An A-ABORT ends the
 * wait. Any other PDU stays unread and is not looked at again: behind it only the
 * connection's end is noticed. */
static enum reason watch_modality(struct leg *in, struct pollfd *watched)
{
	bool has_spoken = !(watched->events & POLLIN);
	enum ul_pdu_type pdu = has_spoken ? UL_PDU_OTHER : ul_peek(in->ul);

	if (pdu == UL_PDU_ABORT)
		return REASON_PEER_ABORT;
	has_spoken = pdu == UL_PDU_RELEASE_RQ || pdu == UL_PDU_OTHER;
	if (has_spoken)
		watched->events = POLLRDHUP;
	if (pdu == UL_PDU_CLOSED ||
	    (has_spoken && (watched->revents & (POLLERR | POLLHUP | POLLRDHUP))))
		return REASON_PEER_LOST;
	return REASON_NONE;
}

static void watch_supervisor(void *context, struct leg_poll *ret)
{
	const struct association *association = context;

	ret->fds[1] = (struct pollfd){ .fd = association->supervision.channel,
				       .events = POLLIN };
	ret->until_ms = grace_until_ms(association);
}

/* The modality is watched while the destination is waited for. Not the other way round:
 * when the destination leaves within an object, the modality may finish sending it. */
static void watch_both(void *context, struct leg_poll *ret)
{
	const struct association *association = context;
	const struct leg *in = &association->in;

	watch_supervisor(context, ret);
	if (in->ul && in->carrier.context && !association->parting)
		ret->fds[2] = (struct pollfd){ .fd = in->carrier.fd,
					       .events = POLLIN | POLLRDHUP };
}

static enum reason hear_others(void *context, struct leg_poll *polled)
{
	struct association *association = context;

	if (polled->fds[1].revents && supervision_listen(association) != 0 &&
	    association->is_ending)
		return REASON_GATEWAY_STOPPING; /* nobody is left to part for */
	if (is_to_stop_now(association))
		return REASON_GATEWAY_STOPPING;
	polled->until_ms = grace_until_ms(association);
	if (polled->fds[0].revents || !polled->fds[2].revents)
		return REASON_NONE;
	return watch_modality(&association->in, &polled->fds[2]);
}

static enum reason look_at_others(void *context)
{
	struct association *association = context;
	struct pollfd supervisor = { .fd = association->supervision.channel,
				     .events = POLLIN };

	if (poll(&supervisor, 1, 0) > 0)
		supervision_listen(association);
	supervision_tell_figures(association);
	return is_to_stop_now(association) ? REASON_GATEWAY_STOPPING : REASON_NONE;
}

struct leg_owner waiting_for_destination(struct association *association)
{
	return (struct leg_owner){ .begin = watch_both,
				   .heard = hear_others,
				   .look_up = look_at_others,
				   .context = association };
}

static int wait_for_modality(void *context, int fd, short events)
{
	struct leg *in = context;
	struct association *association = in->owner.context;
	int64_t began_us = clock_us();
	int rc = leg_wait(in, fd, events);

	if ((events & POLLIN) && pace_waited(&association->pace, clock_us() - began_us) &&
	    rc == 0) {
		in->interrupted = REASON_TOO_SLOW;
		rc = -1;
	}
	return rc;
}

/* Sleeps while the modality has had more than its bytes_per_second. */
MUST_USE static int await_allowance(struct association *association)
{
	struct leg *in = &association->in;
	int64_t wait_ms;

	while (!association->is_ending &&
	       (wait_ms = pace_byte_wait_ms(&association->pace)) > 0) {
		struct pollfd fds[2] = {
			{ .fd = association->supervision.channel, .events = POLLIN },
			{ .fd = in->carrier.fd, .events = POLLRDHUP },
		};

		if (poll(fds, 2, wait_ms > 1000 ? 1000 : (int)wait_ms) > 0) {
			if (fds[1].revents)
				return 0; /* it has left: what it said last is read */
			supervision_listen(association);
		}
		if (is_to_stop_now(association))
			in->interrupted = REASON_GATEWAY_STOPPING;
		if (in->interrupted != REASON_NONE) {
			errno = ECANCELED;
			return -1;
		}
	}
	return 0;
}

static ssize_t read_modality(void *context, void *buffer, size_t size)
{
	struct leg *in = context;
	struct association *association = in->owner.context;
	ssize_t count;

	if (leg_look_up(in) != 0 || await_allowance(association) != 0)
		return -1;
	count = leg_read(in, buffer, size);
	if (count > 0)
		pace_came(&association->pace, count,
			  in->carrier.taken(in->carrier.context));
	return count;
}

void waiting_init(struct association *association)
{
	struct leg_owner owner = { .begin = watch_supervisor,
				   .heard = hear_others,
				   .look_up = look_at_others,
				   .context = association };

	leg_init(&association->in, &owner);
	association->in.waiter.wait = wait_for_modality;
}

void waiting_opened(struct association *association)
{
	leg_opened(&association->in);
	association->in.stream.read = read_modality;
}

static enum wake late_or_stop(const struct association *association)
{
	if (association->supervision.is_stopping)
		return WAKE_STOP;
	return leg_is_late(&association->in) ? WAKE_LATE : WAKE_IN;
}

/* Waits until then, or for either side. The supervisor is heard, and told of what has
 * been done. */
static void poll_either(struct association *association, struct pollfd *modality,
			int64_t until_ms)
{
	const struct leg *out = &association->out.leg;
	struct pollfd fds[3] = {
		*modality,
		{ .fd = association->supervision.channel, .events = POLLIN },
		{ .fd = out->ul ? out->carrier.fd : -1, .events = POLLIN },
	};

	supervision_tell_figures(association);
	until_ms = leg_sooner(until_ms, supervision_figures_due_ms(association));
	if (poll(fds, 3, leg_poll_timeout(until_ms)) > 0 && fds[1].revents)
		supervision_listen(association);
	modality->revents = fds[0].revents;
}

enum wake waiting_for_either(struct association *association)
{
	struct leg *in = &association->in;
	struct pollfd modality = { .fd = in->carrier.fd, .events = POLLIN };

	for (;;) {
		enum wake wake;

		if (ul_has_pdv(in->ul) || ul_peek(in->ul) != UL_PDU_NONE)
			return association->supervision.is_stopping ? WAKE_STOP : WAKE_IN;
		if (outbound_has_spoken(&association->out))
			return WAKE_OUT;
		wake = late_or_stop(association);
		if (wake != WAKE_IN)
			return wake;
		poll_either(association, &modality, in->deadline_ms);
	}
}

int waiting_for_turn(struct association *association)
{
	struct leg *in = &association->in;
	struct pollfd modality = { .fd = in->carrier.fd, .events = POLLIN | POLLRDHUP };
	int64_t turn_ms;

	while ((turn_ms = pace_turn_wait_ms(&association->pace)) > 0) {
		in->interrupted = watch_modality(in, &modality);
		if (is_to_stop_now(association))
			in->interrupted = REASON_GATEWAY_STOPPING;
		if (in->interrupted != REASON_NONE)
			return -1;
		if (outbound_has_spoken(&association->out))
			outbound_part(&association->out);
		poll_either(association, &modality, clock_ms() + turn_ms);
		/* The time for which the gateway held it back is not counted. */
		association->request_began_us = clock_us();
	}
	pace_take_turn(&association->pace);
	return 0;
}
