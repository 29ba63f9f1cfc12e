/* Which courier has which object. A destination that failed something is left alone for a
 * while, ever longer; then one courier probes it with one object, and the others follow
 * when that was delivered. */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"

#define ASKED_MS   3000 /* a courier that was asked for comes within that, or not */
#define LINGER_MS  5000 /* so long a courier waits for another object */
#define FIGURES_MS 1000
#define RETELL_MS  30000
#define PASSED_MAX 256 /* so many objects are passed over in a turn */

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

/* A process that died with an object in hand may have been killed by it. */
void worker_end(struct spooler *spooler, struct worker *worker)
{
	if (worker->object && worker->object->is_to_bury) {
		result_bury(spooler, worker); /* not even that ended well */
	} else if (worker->object && worker->is_last_try) {
		worker->object->is_to_bury = true; /* by a process that can tell of it */
		result_put_down(worker);
	} else if (worker->object) {
		result_take(spooler, worker, SPOOL_RESULT_LOST);
	}
	worker->target->workers--;
	close(worker->channel);
	LIST_REMOVE(worker, others);
	free(worker);
}

void workers_clear(struct spooler *spooler)
{
	while (!LIST_EMPTY(&spooler->workers)) {
		result_put_down(LIST_FIRST(&spooler->workers));
		worker_end(spooler, LIST_FIRST(&spooler->workers));
	}
}

MUST_USE static bool give_accepted(struct spooler *spooler, const struct worker *worker)
{
	const struct spool_said said = { .kind = SPOOL_ANSWERS };
	int file = accepted_file(spooler, worker->target, NULL);
	bool is_told = descriptors_send(worker->channel, &said, sizeof(said), &file,
					file >= 0, MSG_DONTWAIT) == 0;

	if (file >= 0)
		close(file);
	return is_told;
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
		if (!ENDS(asked->abstract_syntax) || !ENDS(asked->transfer_syntax))
			return false;
		accepted_learn(spooler, worker->target, NULL, asked);
		return true;
	case SPOOL_HAS_RESULT:
		if (!worker->object || asked->object != worker->object->name.sequence ||
		    asked->result > SPOOL_RESULT_RETURNED)
			return false;
		result_take(spooler, worker, (enum spool_result)asked->result);
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
	worker_end(spooler, worker);
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

/* No object could be opened now. */
static bool is_short(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM;
}

/* The object's file didn't open, by errno: its neighbours' may. */
static void pass_over(struct spooler *spooler, struct target *target,
		      struct object *object)
{
	char why[128];

	if (errno == ENOENT || errno == ELOOP) {
		store_forget(spooler, object);
		return;
	}
	if (is_short(errno)) {
		log_error("no object of the spool can be opened: %s", strerror(errno));
		result_leave_alone(spooler, target);
		return;
	}
	snprintf(why, sizeof(why), "it can't be opened: %s", strerror(errno));
	result_return(spooler, target, object, why);
}

/* The object's file, open; or -1: the object is passed over now. */
MUST_USE static int open_object(struct spooler *spooler, struct target *target,
				struct object *object)
{
	int file;

	if (locked_waits(spooler, object, -1))
		return -1;
	file = store_read(spooler, object);
	if (file < 0) {
		pass_over(spooler, target, object);
	} else if (locked_waits(spooler, object, file)) {
		close(file);
		file = -1;
	}
	return file;
}

/* The next object that opens, and its file. NULL when there is none, or no end of those
 * that don't: *ret_again_ms is when to look again. */
MUST_USE static struct object *next_object(struct spooler *spooler, struct worker *worker,
					   int *ret_file, int64_t *ret_again_ms)
{
	struct target *target = worker->target;

	for (unsigned passed = 0; passed < PASSED_MAX; passed++) {
		struct object *object = index_next(&spooler->index, target, worker,
						   clock_ms(), ret_again_ms);

		if (!object)
			return NULL;
		*ret_file = open_object(spooler, target, object);
		if (*ret_file >= 0)
			return object;
		if (clock_ms() < target->again_ms) /* nothing opens */
			return NULL;
	}
	*ret_again_ms = clock_ms();
	return NULL;
}

/* 1 when it was given, 0 when there is none, -1 when the courier doesn't listen. */
MUST_USE static int give_object(struct spooler *spooler, struct worker *worker,
				int64_t *again_ms)
{
	struct spool_said said = { .kind = SPOOL_GIVES_OBJECT };
	int file, rc;
	struct object *object = next_object(spooler, worker, &file, again_ms);

	if (!object)
		return 0;
	said.object = object->name.sequence;
	worker->is_last_try = object->losses + 1 >= LOSSES_MAX &&
			      result_is_to_blame(worker->target, object);
	said.is_last_try = worker->is_last_try;
	said.is_to_bury = object->is_to_bury;
	said.is_unconfirmed = object->name.state == SPOOL_NAMED;
	said.is_overdue = worker->is_overdue = result_is_overdue(spooler, object);
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

	if (worker->asking_ms == 0 || spooler->leave_ms != 0)
		return 0;
	if (may_go(spooler, worker->target)) {
		int given = give_object(spooler, worker, &again_ms);

		if (given < 0)
			worker_end(spooler, worker);
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

	if (!target->config || target->queued == 0 || spooler->leave_ms != 0)
		return 0;
	if (now_ms < target->again_ms)
		return target->again_ms;
	if (target->asked > 0 && now_ms - target->asked_ms > ASKED_MS)
		target->asked = 0;
	most = target->is_reached ? target->config->couriers : 1;
	ways = index_ways(&spooler->index, target, now_ms, most);
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

/* When the oldest that is queued came; 0: none is. */
static int64_t oldest_of(const struct target *target)
{
	const struct study *study;
	uint64_t oldest = 0;

	TAILQ_FOREACH(study, &target->studies, others)
	{
		const struct object *first = TAILQ_FIRST(&study->objects);

		if (oldest != 0 && study->first > oldest)
			break; /* nor can one behind it have an older one */
		if (oldest == 0 || first->name.sequence < oldest)
			oldest = first->name.sequence;
	}
	return time_of(oldest);
}

/* Adds what a target has to the figures. */
static void add_figures(const struct target *target, struct spooler_figures *figures)
{
	int64_t left_ms = target->again_ms - clock_ms(), oldest = oldest_of(target);

	figures->objects += target->queued;
	figures->bytes += target->bytes;
	figures->held += target->held;
	figures->dead += target->dead;
	figures->done += target->done;
	figures->done_bytes += target->done_bytes;
	figures->couriers += target->workers;
	figures->delivered = time_of((uint64_t)target->delivered_us);
	figures->again = left_ms > 0 ? time(NULL) + left_ms / 1000 + 1 : 0;
	if (oldest != 0 && (figures->oldest == 0 || oldest < figures->oldest))
		figures->oldest = oldest;
}

static struct spooler_word begin_figures(struct spooler *spooler)
{
	return (struct spooler_word){
		.kind = SPOOLER_FIGURES,
		.figures = { .is_full = spooler->was_full,
			     .used = spooler->index.all_bytes,
			     .room = spool_folder_room(&spooler->folder),
			     .strangers = spooler->strangers },
	};
}

static void tell_figures(struct spooler *spooler)
{
	struct spooler_word strays = begin_figures(spooler);
	bool have_strays_changed = false;
	struct target *target;

	STAILQ_FOREACH(target, &spooler->index.targets, others)
	{
		struct spooler_word word = begin_figures(spooler);

		if (!target->config) {
			have_strays_changed |= target->has_changed;
			add_figures(target, &strays.figures);
		} else if (target->has_changed) {
			add_figures(target, &word.figures);
			strcpy(word.figures.destination, target->config->name);
			spooler_tell(spooler, &word);
		}
		target->has_changed = false;
	}
	if (have_strays_changed)
		spooler_tell(spooler, &strays);
}

/* What else takes room on the disk changes without a word. */
static void look_at_disk(struct spooler *spooler)
{
	(void)room_is_lacking(spooler); /* tells where that has changed */
	if (clock_ms() < spooler->retell_ms)
		return;
	store_tell_all(spooler);
	spooler->retell_ms = clock_ms() + RETELL_MS;
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
	if (is_time_to_tell) {
		spooler->tell_ms = clock_ms() + FIGURES_MS;
		look_at_disk(spooler);
		tell_figures(spooler);
	}
	STAILQ_FOREACH(target, &spooler->index.targets, others)
	{
		again_ms = sooner(again_ms, start_couriers(spooler, target));
		if (target->has_changed || spooler->was_full)
			again_ms = sooner(again_ms, spooler->tell_ms);
	}
	return again_ms;
}
