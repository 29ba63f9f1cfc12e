#include "waiting.h"

#include <errno.h>
#include <poll.h>

#include "internal.h"

#include "cathgate/base/clock.h"

/*
 * The pace: plain counting, no waiting.
 */

void pace_start(struct pace *pace, const struct config_limits *limits)
{
	pace->floor = (struct pace_floor){
		.is_judged = true,
		.slot_us = (int64_t)limits->store_seconds * 1000000 / PACE_SLOTS,
		.minimum_bytes =
			(int64_t)limits->min_bytes_per_second * limits->store_seconds,
	};
}

void pace_stop(struct pace *pace)
{
	pace->floor.is_judged = false;
}

static bool is_too_slow(const struct pace_floor *floor)
{
	int64_t sum = 0;

	if (floor->slots_seen < PACE_SLOTS)
		return false;
	for (unsigned i = 0; i < PACE_SLOTS; i++)
		sum += floor->bytes[i];
	return sum < floor->minimum_bytes;
}

/* The modality was waited for so long. Whether it is too slow. Only this time moves the
 * window on: what the destination holds up is not the modality's fault. */
static bool count_wait(struct pace_floor *floor, int64_t us)
{
	bool slow = false;

	floor->waited_us += us;
	while (floor->waited_us >= floor->slot_us) {
		floor->waited_us -= floor->slot_us;
		floor->slots_seen++;
		slow = slow || is_too_slow(floor);
		floor->slot = (floor->slot + 1) % PACE_SLOTS;
		floor->bytes[floor->slot] = 0;
	}
	return slow;
}

static void refill_allowance(struct pace *pace)
{
	int64_t now_us = clock_us(), rate = pace->bytes_per_second;
	int64_t passed_us = now_us - pace->allowance_us;

	if (passed_us > 1000000)
		passed_us = 1000000; /* what was not used for a second is forfeit */
	pace->allowance_us = now_us;
	pace->allowance_bytes += rate * passed_us / 1000000;
	if (pace->allowance_bytes > rate)
		pace->allowance_bytes = rate;
}

/* How long until the modality may send the next byte, in milliseconds; 0: now. */
static int64_t byte_wait_ms(struct pace *pace, const struct supervision *supervision)
{
	int64_t rate = supervision->fastest.bytes_per_second;

	/* What came while there was no limit is not held against the modality. */
	if (pace->bytes_per_second == 0 && rate > 0) {
		pace->allowance_bytes = rate;
		pace->allowance_us = supervision->fastest_since_us;
	}
	pace->bytes_per_second = rate;
	if (rate == 0)
		return 0;
	refill_allowance(pace);
	return pace->allowance_bytes > 0 ? 0 : 1 - pace->allowance_bytes * 1000 / rate;
}

/* Instances in a minute are counted as time: each takes up its share of the minute, and
 * what a silent modality saves up is a quarter of one. */
#define MINUTE_US     60000000
#define TURNS_LEFT_US (MINUTE_US / 4)

static void change_turns(struct pace *pace, int64_t turn_us, int64_t since_us)
{
	/* A new association may send its first instance at once. The quarter of a minute
	 * that a silent modality saves up is not given to it. */
	if (pace->turn_us == 0) {
		pace->turns_left_us = turn_us;
		pace->turns_us = since_us;
	} else {
		/* Another share: as many are left as were. */
		pace->turns_left_us = pace->turns_left_us * turn_us / pace->turn_us;
	}
	pace->turn_us = turn_us;
}

/* How long until the next instance may come, in milliseconds; 0: now. */
static int64_t turn_wait_ms(struct pace *pace, const struct supervision *supervision)
{
	int64_t per_minute = supervision->fastest.instances_per_minute;
	int64_t turn_us = per_minute ? MINUTE_US / per_minute : 0, now_us;
	int64_t most_us = turn_us > TURNS_LEFT_US ? turn_us : TURNS_LEFT_US;

	if (turn_us != pace->turn_us)
		change_turns(pace, turn_us, supervision->fastest_since_us);
	if (turn_us == 0)
		return 0;
	now_us = clock_us();
	pace->turns_left_us += now_us - pace->turns_us;
	pace->turns_us = now_us;
	if (pace->turns_left_us > most_us)
		pace->turns_left_us = most_us;
	return pace->turns_left_us >= turn_us
		       ? 0
		       : (turn_us - pace->turns_left_us) / 1000 + 1;
}

/*
 * The waiting.
 */

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

	ret->fds[1] = (struct pollfd){ .fd = association->supervision.contact.channel,
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
	if (in->ul && in->carrier.context && !association->may_hang_up)
		ret->fds[2] = (struct pollfd){ .fd = in->carrier.fd,
					       .events = POLLIN | POLLRDHUP };
}

static enum reason hear_others(void *context, struct leg_poll *polled)
{
	struct association *association = context;

	if (polled->fds[1].revents && supervision_listen(association) != 0)
		polled->fds[1].fd = -1; /* the supervisor is gone */
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
	struct pollfd supervisor = { .fd = association->supervision.contact.channel,
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
	struct pace_floor *floor = &association->pace.floor;
	int rc = leg_wait(in, fd, events);

	if (floor->is_judged && (events & POLLIN) &&
	    count_wait(floor, clock_us() - in->wait_began_us) && rc == 0) {
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
	       (wait_ms = byte_wait_ms(&association->pace, &association->supervision)) >
		       0) {
		struct pollfd fds[2] = {
			{ .fd = association->supervision.contact.channel,
			  .events = POLLIN },
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
	struct pace *pace = &association->pace;
	uint64_t taken;
	ssize_t count;

	if (leg_look_up(in) != 0 || await_allowance(association) != 0)
		return -1;
	count = leg_read(in, buffer, size);
	if (count > 0) {
		taken = in->carrier.taken(in->carrier.context);
		pace->allowance_bytes -= (int64_t)(taken - pace->charged_bytes);
		pace->charged_bytes = taken;
		pace->floor.bytes[pace->floor.slot] += count;
	}
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
		{ .fd = association->supervision.contact.channel, .events = POLLIN },
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

	while ((turn_ms = turn_wait_ms(&association->pace, &association->supervision)) >
	       0) {
		in->interrupted = watch_modality(in, &modality);
		if (is_to_stop_now(association))
			in->interrupted = REASON_GATEWAY_STOPPING;
		if (in->interrupted != REASON_NONE)
			return -1;
		if (outbound_has_spoken(&association->out))
			outbound_close_left(&association->out);
		poll_either(association, &modality, clock_ms() + turn_ms);
		/* The time for which the gateway held it back is not counted. */
		association->request_began_us = clock_us();
	}
	association->pace.turns_left_us -= association->pace.turn_us;
	return 0;
}
