/* What came of an object that a courier had: whether it, or its destination, waits, and
 * for how long; whether it is dead. */
#include "internal.h"

#include <sys/random.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/log.h"

#define RETURNED_MS	  1000 /* the first time is often a courier's that was told to end */
#define UNREAD_ALERTS_MAX 10   /* a minute: a disk may have lost thousands */
#define DELAYS_MAX	  3    /* from then on it waits alone */
#define LATE_FACTOR	  4096 /* no more doublings than that */

/* Between half of it and all of it, so that many gateways don't knock at once. */
static int64_t jittered_ms(int64_t ms)
{
	uint32_t number = 0;

	(void)!getrandom(&number, sizeof(number), GRND_NONBLOCK);
	return ms / 2 + (ms / 2) * (number >> 8) / (1 << 24);
}

static int64_t delay_ms(const struct config_spool *config, unsigned times)
{
	int64_t factor = times < 13 ? 1LL << times : LATE_FACTOR;
	int64_t ms = config->retry_first_seconds * 1000LL * factor;
	int64_t most_ms = config->retry_max_seconds * 1000LL;

	return jittered_ms(ms < most_ms ? ms : most_ms);
}

void result_leave_alone(const struct spooler *spooler, struct target *target)
{
	target->is_reached = false;
	target->again_ms =
		clock_ms() + delay_ms(&spooler->config->spool, target->failures);
	target->failures++;
	target->has_changed = true;
}

void result_put_down(struct worker *worker)
{
	if (worker->object)
		worker->object->is_in_hand = false;
	if (worker->study)
		worker->study->holder = NULL;
	worker->object = NULL;
	worker->study = NULL;
}

bool result_is_to_blame(const struct target *target, const struct object *object)
{
	return object->losses == 0 || object->lost_at != target->done ||
	       target->queued == 1;
}

/* The destination may have fallen just now, and no object is to blame; but one within
 * which it falls each time, while others get through, goes no further. */
static void lose_object(struct spooler *spooler, struct target *target,
			struct object *object, bool was_last_try)
{
	if (!was_last_try && !result_is_to_blame(target, object)) {
		result_leave_alone(spooler, target);
		return;
	}
	if (was_last_try || object->losses + 1 < LOSSES_MAX)
		object->losses++;
	object->lost_at = (uint32_t)target->done;
	object->again_ms =
		clock_ms() + delay_ms(&spooler->config->spool, object->losses - 1U);
	if (!target->is_reached) /* nothing got through since something failed last */
		result_leave_alone(spooler, target);
	target->is_reached = false;
	if (object->losses < LOSSES_MAX) {
		log_warning("the destination %s ended its association within the spool's "
			    "object %016llx (%u of %u times): it waits alone",
			    target->config->name,
			    (unsigned long long)object->name.sequence, object->losses,
			    LOSSES_MAX);
		return;
	}
	store_move(spooler, object, SPOOL_DEAD);
	spooler_alert(spooler, REASON_SPOOL_REPEATED_ABORT,
		      "the spool's object %016llx has ended the association to %s %u "
		      "times: it is kept, and not sent again by itself",
		      (unsigned long long)object->name.sequence, target->config->name,
		      LOSSES_MAX);
}

/* The destination may be short of room for all. But an object that it never takes must
 * not keep its neighbours from it for ever. */
static void delay_object(const struct spooler *spooler, struct object *object)
{
	if (object->delays < UINT8_MAX)
		object->delays++;
	if (object->delays >= DELAYS_MAX)
		object->again_ms =
			clock_ms() + delay_ms(&spooler->config->spool, object->delays);
}

bool result_is_overdue(const struct spooler *spooler, const struct object *object)
{
	return store_age_seconds(object) > spooler->config->spool.give_up_hours * 3600LL;
}

static void refuse_object(struct spooler *spooler, struct target *target,
			  struct object *object, enum spool_result result)
{
	bool was_overdue =
		result == SPOOL_RESULT_LATER || result == SPOOL_RESULT_UNREACHED;

	store_move(spooler, object, SPOOL_DEAD);
	spooler_alert(spooler,
		      result == SPOOL_RESULT_BROKEN ? REASON_SPOOL_CORRUPT
		      : was_overdue		    ? REASON_DESTINATION_TIMEOUT
						    : REASON_DESTINATION_STATUS,
		      "the spool's object %016llx for %s is kept, and not sent again by "
		      "itself: %s",
		      (unsigned long long)object->name.sequence, target->config->name,
		      result == SPOOL_RESULT_BROKEN ? "its file was changed or cut"
		      : was_overdue ? "it could not be delivered in spool.give_up_hours"
				    : "the destination refused it");
}

/* No destination has answered, so none is served otherwise than before. */
void result_bury(struct spooler *spooler, struct worker *worker)
{
	struct object *object = worker->object;

	result_put_down(worker);
	worker->target->has_changed = true;
	store_move(spooler, object, SPOOL_DEAD);
	spooler_alert(spooler, REASON_SPOOL_REPEATED_ABORT,
		      "the spool's object %016llx for %s is kept, and not sent again by "
		      "itself: the couriers that had it ended within it",
		      (unsigned long long)object->name.sequence,
		      worker->target->config->name);
}

static void tell_unread(struct spooler *spooler, const struct object *object,
			const char *why)
{
	int64_t now_ms = clock_ms();

	if (spooler->unread_alerts == 0 || now_ms - spooler->unread_since_ms > 60000) {
		spooler->unread_alerts = 0;
		spooler->unread_since_ms = now_ms;
	}
	if (++spooler->unread_alerts > UNREAD_ALERTS_MAX) {
		log_warning("the spool's object %016llx waits alone: %s",
			    (unsigned long long)object->name.sequence, why);
		return;
	}
	spooler_alert(spooler, REASON_SPOOL_UNAVAILABLE,
		      "the spool's object %016llx waits alone, and is tried ever more "
		      "rarely: %s%s",
		      (unsigned long long)object->name.sequence, why,
		      spooler->unread_alerts == UNREAD_ALERTS_MAX
			      ? "; the gateway's log names any others of this minute"
			      : "");
}

void result_return(struct spooler *spooler, struct target *target, struct object *object,
		   const char *why)
{
	if (object->again_ms == 0) /* it was tried since, or an operator wants it tried */
		object->returns = 0;
	if (object->returns < UINT8_MAX)
		object->returns++;
	target->has_changed = true;
	object->again_ms = clock_ms() + RETURNED_MS;
	if (object->returns == 1)
		return;
	object->again_ms =
		clock_ms() + delay_ms(&spooler->config->spool, object->returns - 2U);
	if (object->returns == 2)
		tell_unread(spooler, object, why);
}

/* A later version has sealed it: so it is never given up. */
static void keep_unknown(struct spooler *spooler, struct object *object)
{
	if (object->delays < UINT8_MAX)
		object->delays++;
	object->again_ms =
		clock_ms() + delay_ms(&spooler->config->spool, object->delays - 1U);
	if (object->delays == 1)
		tell_unread(spooler, object,
			    "it is of a suite that this version of the gateway doesn't "
			    "know");
}

void result_take(struct spooler *spooler, struct worker *worker, enum spool_result result)
{
	struct target *target = worker->target;
	struct object *object = worker->object;
	bool was_overdue = worker->is_overdue, was_last_try = worker->is_last_try;

	if (object->is_to_bury && result == SPOOL_RESULT_REFUSED) {
		result_bury(spooler, worker); /* a courier has recorded it */
		return;
	}
	result_put_down(worker);
	target->has_changed = true;
	if (result != SPOOL_RESULT_RETURNED)
		object->returns = 0;
	switch (result) {
	case SPOOL_RESULT_DELIVERED:
		target->is_reached = true;
		target->failures = 0;
		target->again_ms = 0;
		target->delivered_us = clock_utc_us();
		target->done++;
		target->done_bytes += object->name.data_size;
		store_done(spooler, object);
		break;
	case SPOOL_RESULT_LATER:
		delay_object(spooler, object);
		/* fall through */
	case SPOOL_RESULT_UNREACHED:
		result_leave_alone(spooler, target);
		if (was_overdue)
			refuse_object(spooler, target, object, result);
		break;
	case SPOOL_RESULT_LOST:
		lose_object(spooler, target, object, was_last_try);
		break;
	case SPOOL_RESULT_REFUSED:
		/* It answers: what it refuses holds up no other. */
		target->is_reached = true;
		target->failures = 0;
		target->again_ms = 0;
		refuse_object(spooler, target, object, result);
		break;
	case SPOOL_RESULT_BROKEN:
		refuse_object(spooler, target, object, result);
		break;
	case SPOOL_RESULT_LOCKED:
		locked_note(spooler, object);
		break;
	case SPOOL_RESULT_UNKNOWN:
		keep_unknown(spooler, object);
		break;
	case SPOOL_RESULT_RETURNED: /* for want of something of the gateway's own */
		result_return(spooler, target, object,
			      "a courier can't read or record it");
		break;
	}
}
