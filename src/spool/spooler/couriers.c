/* Which courier has which object. A destination that failed something is left alone for a
 * while, ever longer; then one courier probes it with one object, and the others follow
 * when that was delivered. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"

#define ASKED_MS    3000 /* a courier that was asked for comes within that, or not */
#define LINGER_MS   5000 /* so long a courier waits for another object */
#define FIGURES_MS  1000
#define RETURNED_MS 1000
#define LOSSES_MAX  3
#define DELAYS_MAX  3	 /* from then on it waits alone */
#define LATE_FACTOR 4096 /* no more doublings than that */

void workers_add(struct spooler *spooler, int channel, const struct spool_opened *opened)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	struct target *target;

	STAILQ_FOREACH(target, &spooler->index.targets, others)
	{
		if (target->config &&
		    strcmp(target->config->name, opened->destination) == 0)
			break;
	}
	if (!worker || !target) {
		free(worker);
		close(channel);
		return;
	}
	worker->channel = channel;
	worker->target = target;
	target->workers++;
	target->asked -= target->asked > 0;
	LIST_INSERT_HEAD(&spooler->workers, worker, others);
}

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

static void leave_alone(const struct spooler *spooler, struct target *target)
{
	target->is_reached = false;
	target->again_ms =
		clock_ms() + delay_ms(&spooler->config->spool, target->failures);
	target->failures++;
	target->has_changed = true;
}

static void put_down(struct worker *worker)
{
	if (worker->object)
		worker->object->is_in_hand = false;
	if (worker->study)
		worker->study->holder = NULL;
	worker->object = NULL;
	worker->study = NULL;
}

/* Whether the object is to blame, and not the destination: others got through since it
 * was lost last, or there is none that could. */
static bool is_to_blame(const struct target *target, const struct object *object)
{
	return object->losses == 0 || object->lost_at != target->delivered_count ||
	       target->queued == 1;
}

/* The destination may have fallen just now, and no object is to blame; but one within
 * which it falls each time, while others get through, goes no further. */
static void lose_object(struct spooler *spooler, struct target *target,
			struct object *object, bool was_last_try)
{
	if (!was_last_try && !is_to_blame(target, object)) {
		leave_alone(spooler, target);
		return;
	}
	if (was_last_try || object->losses + 1 < LOSSES_MAX)
		object->losses++;
	object->lost_at = (uint32_t)target->delivered_count;
	object->again_ms =
		clock_ms() + delay_ms(&spooler->config->spool, object->losses - 1U);
	if (!target->is_reached) /* nothing got through since something failed last */
		leave_alone(spooler, target);
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

/* Its neighbours may be of another key. */
static void lock_object(const struct spooler *spooler, struct object *object,
			enum spool_result result)
{
	object->again_ms = clock_ms() + spooler->config->spool.retry_max_seconds * 1000LL;
	if (object->delays++ > 0)
		return;
	if (result == SPOOL_RESULT_LOCKED)
		spooler_alert(spooler, REASON_SPOOL_UNAVAILABLE,
			      "no key in spool.key opens the spool's object %016llx: it "
			      "waits until its key is there again",
			      (unsigned long long)object->name.sequence);
	else
		spooler_alert(
			spooler, REASON_SPOOL_UNAVAILABLE,
			"the spool's object %016llx is of a suite that this version "
			"of the gateway doesn't know: it waits for a later version",
			(unsigned long long)object->name.sequence);
}

static bool is_overdue(const struct spooler *spooler, const struct object *object)
{
	return (int64_t)object->name.stored +
		       spooler->config->spool.give_up_hours * 3600LL <
	       time(NULL);
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

static void take_result(struct spooler *spooler, struct worker *worker,
			enum spool_result result)
{
	struct target *target = worker->target;
	struct object *object = worker->object;
	bool was_overdue = worker->is_overdue, was_last_try = worker->is_last_try;

	put_down(worker);
	target->has_changed = true;
	switch (result) {
	case SPOOL_RESULT_DELIVERED:
		target->is_reached = true;
		target->failures = 0;
		target->again_ms = 0;
		target->delivered_us = clock_utc_us();
		target->delivered_count++;
		store_done(spooler, object);
		break;
	case SPOOL_RESULT_LATER:
		delay_object(spooler, object);
		/* fall through */
	case SPOOL_RESULT_UNREACHED:
		leave_alone(spooler, target);
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
	case SPOOL_RESULT_UNKNOWN:
		lock_object(spooler, object, result);
		break;
	case SPOOL_RESULT_RETURNED: /* for want of something of the gateway's own */
		object->again_ms = clock_ms() + RETURNED_MS;
		break;
	}
}

/* A process that died with an object in hand may have been killed by it. */
static void end_worker(struct spooler *spooler, struct worker *worker)
{
	if (worker->object && worker->is_last_try) {
		worker->object->is_to_bury = true; /* by a process that can tell of it */
		put_down(worker);
	} else if (worker->object) {
		take_result(spooler, worker, SPOOL_RESULT_LOST);
	}
	worker->target->workers--;
	close(worker->channel);
	LIST_REMOVE(worker, others);
	free(worker);
}

void workers_clear(struct spooler *spooler)
{
	while (!LIST_EMPTY(&spooler->workers)) {
		put_down(LIST_FIRST(&spooler->workers));
		end_worker(spooler, LIST_FIRST(&spooler->workers));
	}
}

MUST_USE static bool give_accepted(struct spooler *spooler, const struct worker *worker)
{
	const struct spool_said said = { .kind = SPOOL_ANSWERS };
	int file = accepted_file(spooler, worker->target);
	bool is_told = descriptors_send(worker->channel, &said, sizeof(said), &file,
					file >= 0, MSG_DONTWAIT) == 0;

	if (file >= 0)
		close(file);
	return is_told;
}

static bool ends(const char *text, size_t size)
{
	return memchr(text, 0, size) != NULL;
}

MUST_USE static bool obey(struct spooler *spooler, struct worker *worker,
			  const struct spool_asked *asked)
{
	switch (asked->kind) {
	case SPOOL_WANTS_WORK:
		if (worker->object)
			return false;
		worker->asking_ms = clock_ms();
		return true;
	case SPOOL_ASKS_ACCEPTED:
		return give_accepted(spooler, worker);
	case SPOOL_HAS_LEARNT:
		if (!ends(asked->abstract_syntax, sizeof(asked->abstract_syntax)) ||
		    !ends(asked->transfer_syntax, sizeof(asked->transfer_syntax)))
			return false;
		accepted_learn(spooler, worker->target, asked, true);
		return true;
	case SPOOL_HAS_RESULT:
		if (!worker->object || asked->object != worker->object->name.sequence ||
		    asked->result > SPOOL_RESULT_RETURNED)
			return false;
		take_result(spooler, worker, (enum spool_result)asked->result);
		return true;
	default:
		return false;
	}
}

void worker_hear(struct spooler *spooler, struct worker *worker)
{
	struct spool_asked asked;
	ssize_t size = recv(worker->channel, &asked, sizeof(asked), MSG_DONTWAIT);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size == (ssize_t)sizeof(asked) && obey(spooler, worker, &asked))
		return;
	if (size > 0 && !has_hung_up(worker->channel))
		log_bug("a courier of %s broke the spooler's rules: its channel is "
			"closed",
			worker->target->config->name);
	end_worker(spooler, worker);
}

/* Of a destination that was not reached lately, one courier has one object. */
static bool may_go(const struct spooler *spooler, const struct target *target)
{
	const struct worker *other;

	if (clock_ms() < target->again_ms)
		return false;
	if (target->is_reached)
		return true;
	LIST_FOREACH(other, &spooler->workers, others)
	{
		if (other->target == target && other->object)
			return false;
	}
	return true;
}

/* 1 when it was given, 0 when there is none, -1 when the courier doesn't listen. */
MUST_USE static int give_object(struct spooler *spooler, struct worker *worker,
				int64_t *again_ms)
{
	struct object *object = index_next(worker->target, worker, clock_ms(), again_ms);
	struct spool_said said = { .kind = SPOOL_GIVES_OBJECT };
	int file, rc;

	while (object) {
		file = store_read(spooler, object);
		if (file >= 0)
			break;
		if (errno != ENOENT && errno != ELOOP) {
			log_error("the spool's object %016llx can't be read: %s",
				  (unsigned long long)object->name.sequence,
				  strerror(errno));
			leave_alone(spooler, worker->target);
			return 0;
		}
		store_forget(spooler, object);
		object = index_next(worker->target, worker, clock_ms(), again_ms);
	}
	if (!object)
		return 0;
	said.object = object->name.sequence;
	worker->is_last_try =
		object->losses + 1 >= LOSSES_MAX && is_to_blame(worker->target, object);
	said.is_last_try = worker->is_last_try;
	said.is_to_bury = object->is_to_bury;
	said.is_unconfirmed = object->name.state == SPOOL_NAMED;
	said.is_overdue = worker->is_overdue = is_overdue(spooler, object);
	memcpy(said.header, object->name.header, sizeof(said.header));
	rc = descriptors_send(worker->channel, &said, sizeof(said), &file, 1,
			      MSG_DONTWAIT);
	close(file);
	if (rc != 0)
		return -1;
	object->is_in_hand = true;
	worker->object = object;
	worker->study = object->study;
	worker->study->holder = worker;
	worker->asking_ms = 0;
	return 1;
}

static void send_to_rest(struct worker *worker)
{
	const struct spool_said said = { .kind = SPOOL_GIVES_REST };

	worker->asking_ms = 0;
	(void)!descriptors_send(worker->channel, &said, sizeof(said), NULL, 0,
				MSG_DONTWAIT);
}

static int64_t sooner(int64_t a_ms, int64_t b_ms)
{
	return a_ms == 0 || (b_ms != 0 && b_ms < a_ms) ? b_ms : a_ms;
}

/* Returns when to look again; 0: no need. */
static int64_t feed(struct spooler *spooler, struct worker *worker)
{
	int64_t again_ms = 0, until_ms = worker->asking_ms + LINGER_MS;

	if (worker->asking_ms == 0)
		return 0;
	if (may_go(spooler, worker->target)) {
		int given = give_object(spooler, worker, &again_ms);

		if (given < 0)
			end_worker(spooler, worker);
		if (given != 0)
			return 0;
	} else if (clock_ms() < worker->target->again_ms) {
		until_ms = 0; /* the association would only idle */
	}
	if (clock_ms() < until_ms)
		return sooner(until_ms, again_ms);
	send_to_rest(worker);
	return 0;
}

static int64_t start_couriers(struct spooler *spooler, struct target *target)
{
	int64_t now_ms = clock_ms();
	unsigned most, ways;

	if (!target->config || target->queued == 0)
		return 0;
	if (now_ms < target->again_ms)
		return target->again_ms;
	if (target->asked > 0 && now_ms - target->asked_ms > ASKED_MS)
		target->asked = 0;
	most = target->is_reached ? target->config->couriers : 1;
	ways = index_ways(target, now_ms, most);
	if (target->workers + target->asked < ways) {
		struct spooler_word word = { .kind = SPOOLER_WANTS_COURIER };

		strcpy(word.destination, target->config->name);
		spooler_tell(spooler, &word);
		target->asked++;
		target->asked_ms = now_ms;
	}
	return now_ms + FIGURES_MS;
}

static int64_t time_of(uint64_t utc_us)
{
	return (int64_t)(utc_us / 1000000);
}

static void tell_figures(const struct spooler *spooler, struct target *target)
{
	const struct study *study = TAILQ_FIRST(&target->studies);
	int64_t left_ms = target->again_ms - clock_ms();
	struct spooler_word word = { .kind = SPOOLER_FIGURES };

	if (!target->config || !target->has_changed)
		return;
	target->has_changed = false;
	word.figures = (struct spooler_figures){
		.objects = target->queued,
		.bytes = target->bytes,
		.held = target->held,
		.dead = target->dead,
		.oldest =
			study ? time_of(TAILQ_FIRST(&study->objects)->name.sequence) : 0,
		.delivered = time_of((uint64_t)target->delivered_us),
		.again = left_ms > 0 ? time(NULL) + left_ms / 1000 + 1 : 0,
		.is_full = spooler->was_full,
	};
	strcpy(word.figures.destination, target->config->name);
	spooler_tell(spooler, &word);
}

int64_t workers_maintain(struct spooler *spooler)
{
	struct worker *worker = LIST_FIRST(&spooler->workers), *next;
	bool is_time_to_tell = clock_ms() >= spooler->tell_ms;
	struct target *target;
	int64_t again_ms = 0;

	for (; worker; worker = next) {
		next = LIST_NEXT(worker, others);
		again_ms = sooner(again_ms, feed(spooler, worker));
	}
	if (is_time_to_tell)
		spooler->tell_ms = clock_ms() + FIGURES_MS;
	STAILQ_FOREACH(target, &spooler->index.targets, others)
	{
		again_ms = sooner(again_ms, start_couriers(spooler, target));
		if (is_time_to_tell)
			tell_figures(spooler, target);
		else if (target->has_changed)
			again_ms = sooner(again_ms, spooler->tell_ms);
	}
	return again_ms;
}
