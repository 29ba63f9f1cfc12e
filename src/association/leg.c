/*
 * One side's stream, and the only place where an association's process waits. Whatever
 * it waits for, it listens to the supervisor and keeps an eye on the other side, so that
 * a hang-up ends both.
 */
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"

#define LOOK_UP_MS 100

static int64_t sooner(int64_t a, int64_t b)
{
	if (a == 0 || b == 0)
		return a == 0 ? b : a;
	return a < b ? a : b;
}

static int poll_timeout(int64_t until_ms)
{
	int64_t left;

	if (until_ms == 0)
		return -1;
	left = until_ms - clock_ms();
	return left <= 0 ? 0 : left > 60000 ? 60000 : (int)left + 1;
}

static bool passed(int64_t deadline_ms)
{
	return deadline_ms != 0 && clock_ms() >= deadline_ms;
}

/* Told to stop, with no instance in hand or no grace left. While it ends it has a few
 * seconds for its last PDU all the same. */
static bool is_to_stop_now(const struct association *association)
{
	if (association->is_ending || !association->stopping)
		return false;
	return !association->instance_in_hand || passed(association->grace_deadline_ms);
}

/*
 * Pace: the slowest and the fastest that a modality may send.
 */

void leg_pace_start(struct association *association)
{
	const struct config_limits *limits = &association->config->limits;

	association->pace = (struct pace_floor){
		.slot_us = (int64_t)limits->store_seconds * 1000000 / PACE_SLOTS,
		.minimum_bytes =
			(int64_t)limits->min_bytes_per_second * limits->store_seconds,
	};
	association->pace_counts = true;
}

void leg_pace_stop(struct association *association)
{
	association->pace_counts = false;
}

static bool pace_too_slow(const struct pace_floor *pace)
{
	int64_t sum = 0;

	if (pace->slots_seen < PACE_SLOTS)
		return false;
	for (unsigned i = 0; i < PACE_SLOTS; i++)
		sum += pace->bytes[i];
	return sum < pace->minimum_bytes;
}

/* Only time spent waiting for the modality moves the window on: what the destination
 * holds up is not the modality's fault. */
static bool pace_waited(struct pace_floor *pace, int64_t us)
{
	bool slow = false;

	pace->waited_us += us;
	while (pace->waited_us >= pace->slot_us) {
		pace->waited_us -= pace->slot_us;
		pace->slots_seen++;
		slow = slow || pace_too_slow(pace);
		pace->slot = (pace->slot + 1) % PACE_SLOTS;
		pace->bytes[pace->slot] = 0;
	}
	return slow;
}

static void allowance_refill(struct association *association)
{
	int64_t now_us = clock_us(), rate = association->bytes_per_second;
	int64_t passed_us = now_us - association->allowance_us;

	if (passed_us > 1000000)
		passed_us = 1000000; /* what was not used for a second is forfeit */
	association->allowance_us = now_us;
	association->allowance_bytes += rate * passed_us / 1000000;
	if (association->allowance_bytes > rate)
		association->allowance_bytes = rate;
}

/* Sleeps while the modality has had more than its bytes_per_second. */
static int allowance_wait(struct leg *leg)
{
	struct association *association = leg->association;

	while (association->bytes_per_second > 0 && !association->is_ending) {
		struct pollfd fds[2] = {
			{ .fd = association->supervisor, .events = POLLIN },
			{ .fd = leg->carrier.fd, .events = POLLRDHUP },
		};
		int64_t ms;

		allowance_refill(association);
		if (association->allowance_bytes > 0)
			return 0;
		ms = 1 -
		     association->allowance_bytes * 1000 / association->bytes_per_second;
		if (poll(fds, 2, ms > 1000 ? 1000 : (int)ms) > 0) {
			if (fds[1].revents)
				return 0; /* it has left: what it said last is read */
			supervision_listen(association);
		}
		if (is_to_stop_now(association))
			leg->interrupted = REASON_GATEWAY_STOPPING;
		if (leg->interrupted != REASON_NONE) {
			errno = ECANCELED;
			return -1;
		}
	}
	return 0;
}

/* Instances in a minute are counted as time: each takes up its share of the minute, and
 * what a silent modality saves up is a quarter of one. */
#define MINUTE_US     60000000
#define TURNS_LEFT_US (MINUTE_US / 4)

void leg_take_turns(struct association *association, int64_t instances_per_minute)
{
	int64_t turn_us = instances_per_minute ? MINUTE_US / instances_per_minute : 0;

	/* A new association may send its first instance at once. The quarter of a minute
	 * that a silent modality saves up is not given to it. */
	if (association->turn_us == 0) {
		association->turns_left_us = turn_us;
		association->turns_us = clock_us();
	} else {
		/* Another share: as many are left as were. */
		association->turns_left_us =
			association->turns_left_us * turn_us / association->turn_us;
	}
	association->turn_us = turn_us;
}

/* How long until the next instance may come, in milliseconds. */
static int64_t turn_wait_ms(struct association *association)
{
	int64_t turn_us = association->turn_us, now_us;
	int64_t most_us = turn_us > TURNS_LEFT_US ? turn_us : TURNS_LEFT_US;

	if (turn_us == 0)
		return 0;
	now_us = clock_us();
	association->turns_left_us += now_us - association->turns_us;
	association->turns_us = now_us;
	if (association->turns_left_us > most_us)
		association->turns_left_us = most_us;
	return association->turns_left_us >= turn_us
		       ? 0
		       : (turn_us - association->turns_left_us) / 1000 + 1;
}

/*
 * Waiting.
 */

static struct leg *other_leg(const struct leg *leg)
{
	struct association *association = leg->association;

	return leg == &association->in ? &association->out : &association->in;
}

/* Looks at what the modality has sent while it is not read from. An A-ABORT ends the
 * wait. Any other PDU stays unread and sets *spoke: it is not looked at again, and behind
 * it only the connection's end is noticed, if `came` says so. */
static enum reason watch_in(struct leg *in, short came, bool *spoke)
{
	enum ul_pdu_type pdu = *spoke ? UL_PDU_OTHER : ul_peek(in->ul);

	if (pdu == UL_PDU_ABORT)
		return REASON_PEER_ABORT;
	*spoke = pdu == UL_PDU_RELEASE_RQ || pdu == UL_PDU_OTHER;
	if (pdu == UL_PDU_CLOSED || (*spoke && (came & (POLLERR | POLLHUP | POLLRDHUP))))
		return REASON_PEER_LOST;
	return REASON_NONE;
}

static short watched_events(bool spoke)
{
	return spoke ? POLLRDHUP : POLLIN | POLLRDHUP;
}

/* The modality is watched while the destination is waited for. Not the other way round:
 * when the destination leaves within an object, the modality may finish sending it. */
static bool watches_other(const struct leg *leg)
{
	const struct leg *other = other_leg(leg);

	return leg == &leg->association->out && other->ul && other->carrier.context &&
	       !leg->association->parting;
}

/* A read may wait several times, since what comes need not be data: its silence began
 * with it. Each wait for a write ends with a part of it gone. */
static int64_t silent_until_ms(const struct leg *leg, short events, int64_t now_us)
{
	int64_t since_ms = events & POLLIN ? leg->read_since_ms : now_us / 1000;

	return sooner(leg->silence_ms ? since_ms + leg->silence_ms : 0, leg->deadline_ms);
}

static int leg_wait(void *context, int fd, short events)
{
	struct leg *leg = context;
	struct association *association = leg->association;
	int64_t began_us = clock_us(), until_ms = silent_until_ms(leg, events, began_us);
	bool watched = watches_other(leg);

	if (leg->interrupted == REASON_NONE && until_ms != 0 &&
	    began_us / 1000 >= until_ms)
		leg->interrupted = leg->late; /* however much is there to be read */
	if (leg->interrupted != REASON_NONE)
		return -1;
	leg->other_spoke = false;

	for (;;) {
		struct pollfd fds[3] = {
			{ .fd = fd, .events = events },
			{ .fd = association->supervisor, .events = POLLIN },
			{ .fd = watched ? other_leg(leg)->carrier.fd : -1,
			  .events = watched_events(leg->other_spoke) },
		};
		int64_t end_ms =
			association->is_ending
				? until_ms
				: sooner(until_ms, association->grace_deadline_ms);
		int count = poll(fds, 3, poll_timeout(end_ms));

		if (count < 0 && errno != EINTR) {
			log_bug("poll: %s", strerror(errno));
			leg->interrupted = REASON_INTERNAL;
			break;
		}
		if (count > 0 && fds[1].revents && supervision_listen(association) != 0 &&
		    association->is_ending)
			break; /* nobody is left to part for */
		if (is_to_stop_now(association))
			leg->interrupted = REASON_GATEWAY_STOPPING;
		if (leg->interrupted != REASON_NONE || (count > 0 && fds[0].revents))
			break; /* ready, or the call itself finds out what is wrong */
		if (count > 0 && fds[2].revents)
			leg->interrupted = watch_in(other_leg(leg), fds[2].revents,
						    &leg->other_spoke);
		if (leg->interrupted == REASON_NONE && passed(until_ms))
			leg->interrupted = leg->late;
		if (leg->interrupted != REASON_NONE)
			break;
	}
	if (association->pace_counts && leg == &association->in && (events & POLLIN) &&
	    pace_waited(&association->pace, clock_us() - began_us) &&
	    leg->interrupted == REASON_NONE)
		leg->interrupted = REASON_TOO_SLOW;
	return leg->interrupted == REASON_NONE ? 0 : -1;
}

static enum wake late_or_stop(struct association *association)
{
	if (association->stopping)
		return WAKE_STOP;
	return passed(association->in.deadline_ms) ? WAKE_LATE : WAKE_IN;
}

/* Waits until then, or for either side, and returns what the modality's came to. The
 * supervisor is heard, and told of what has been done. */
static short poll_either(struct association *association, short events, int64_t until_ms)
{
	const struct leg *in = &association->in, *out = &association->out;
	struct pollfd fds[3] = {
		{ .fd = in->carrier.fd, .events = events },
		{ .fd = association->supervisor, .events = POLLIN },
		{ .fd = out->ul ? out->carrier.fd : -1, .events = POLLIN },
	};

	supervision_tell_figures(association);
	until_ms = sooner(until_ms, supervision_figures_due_ms(association));
	if (poll(fds, 3, poll_timeout(until_ms)) > 0 && fds[1].revents)
		supervision_listen(association);
	return fds[0].revents;
}

enum wake leg_wait_either(struct association *association)
{
	struct leg *in = &association->in;

	for (;;) {
		enum wake wake;

		if (ul_has_pdv(in->ul) || ul_peek(in->ul) != UL_PDU_NONE)
			return association->stopping ? WAKE_STOP : WAKE_IN;
		if (relay_has_spoken(association))
			return WAKE_OUT;
		wake = late_or_stop(association);
		if (wake != WAKE_IN)
			return wake;
		poll_either(association, POLLIN, in->deadline_ms);
	}
}

int leg_await_turn(struct association *association)
{
	struct leg *in = &association->in;
	int64_t turn_ms;
	bool spoke = false;
	short came = 0;

	while ((turn_ms = turn_wait_ms(association)) > 0) {
		in->interrupted = watch_in(in, came, &spoke);
		if (is_to_stop_now(association))
			in->interrupted = REASON_GATEWAY_STOPPING;
		if (in->interrupted != REASON_NONE)
			return -1;
		if (relay_has_spoken(association))
			relay_heard(association);
		came = poll_either(association, watched_events(spoke),
				   clock_ms() + turn_ms);
		/* The time for which the gateway held it back is not counted. */
		association->request.began_us = clock_us();
	}
	association->turns_left_us -= association->turn_us;
	return 0;
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

/*
 * The metered stream: the modality's bytes are counted where they arrive, so that a
 * fragment that takes its time counts as it comes.
 */

/* A peer that always has bytes ready is never waited for: its deadlines must pass, and
 * the supervisor must be heard, all the same. */
static int look_up(struct leg *leg)
{
	struct association *association = leg->association;
	struct pollfd line = { .fd = association->supervisor, .events = POLLIN };
	int64_t now_ms = clock_ms();

	if (now_ms - leg->looked_up_ms < LOOK_UP_MS)
		return 0;
	leg->looked_up_ms = now_ms;
	if (poll(&line, 1, 0) > 0)
		supervision_listen(association);
	supervision_tell_figures(association);
	if (is_to_stop_now(association))
		leg->interrupted = REASON_GATEWAY_STOPPING;
	else if (passed(leg->deadline_ms))
		leg->interrupted = leg->late;
	if (leg->interrupted == REASON_NONE)
		return 0;
	errno = ECANCELED;
	return -1;
}

static ssize_t metered_read(void *context, void *buffer, size_t size)
{
	struct leg *leg = context;
	struct association *association = leg->association;
	uint64_t taken;
	ssize_t count;

	if (look_up(leg) != 0)
		return -1;
	if (leg == &association->in && allowance_wait(leg) != 0)
		return -1;
	leg->read_since_ms = clock_ms();
	count = leg->carrier.read(leg->carrier.context, buffer, size);
	if (count > 0 && leg == &association->in) {
		taken = leg->carrier.taken(leg->carrier.context);
		association->allowance_bytes -= (int64_t)(taken - leg->charged_bytes);
		leg->charged_bytes = taken;
		association->pace.bytes[association->pace.slot] += count;
	}
	return count;
}

static int metered_write(void *context, const void *bytes, size_t size)
{
	struct leg *leg = context;

	return leg->carrier.write(leg->carrier.context, bytes, size);
}

static ssize_t metered_peek(void *context, void *buffer, size_t size)
{
	struct leg *leg = context;

	return leg->carrier.peek(leg->carrier.context, buffer, size);
}

void leg_init(struct leg *leg, struct association *association)
{
	*leg = (struct leg){ .association = association,
			     .waiter = { .wait = leg_wait, .context = leg } };
	leg->carrier.fd = -1;
}

void leg_opened(struct leg *leg)
{
	leg->metered = (struct transport){ .fd = leg->carrier.fd,
					   .context = leg,
					   .read = metered_read,
					   .write = metered_write,
					   .peek = metered_peek };
}

void leg_close(struct leg *leg)
{
	ul_free(leg->ul);
	leg->ul = NULL;
	transport_close(&leg->carrier);
}
