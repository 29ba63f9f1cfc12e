#include "index.h"

#include <stdlib.h>
#include <string.h>

#include "cathgate/base/clock.h"
#include "cathgate/spool/sealed.h"

#define BUCKETS_FIRST 1024

uint64_t index_weight(const struct spool_name *name)
{
	uint64_t segments = name->data_size / SPOOL_SEGMENT_SIZE + 1;

	return name->state == SPOOL_DELIVERED
		       ? 0
		       : name->data_size + SPOOL_HEADER_SIZE + segments * SPOOL_TAG_SIZE;
}

static bool is_queued(const struct spool_name *name)
{
	return name->state == SPOOL_QUEUED || name->state == SPOOL_NAMED;
}

void index_init(struct spool_index *index)
{
	*index = (struct spool_index){ .count = 0 };
	STAILQ_INIT(&index->targets);
}

static void hash_in(struct spool_index *index, struct object *object)
{
	size_t content = index_bucket(&index->contents, object->name.content);
	size_t instance = index_bucket(&index->instances, object->name.instance);
	size_t sequence = object->name.sequence & index->sequences.mask;

	object->next_content = index->contents.heads[content];
	index->contents.heads[content] = object;
	object->next_instance = index->instances.heads[instance];
	index->instances.heads[instance] = object;
	object->next_sequence = index->sequences.heads[sequence];
	index->sequences.heads[sequence] = object;
}

static void hash_out(struct spool_index *index, const struct object *object)
{
	struct object **at =
		&index->contents
			 .heads[index_bucket(&index->contents, object->name.content)];

	while (*at != object)
		at = &(*at)->next_content;
	*at = object->next_content;
	at = &index->instances
		      .heads[index_bucket(&index->instances, object->name.instance)];
	while (*at != object)
		at = &(*at)->next_instance;
	*at = object->next_instance;
	at = &index->sequences.heads[object->name.sequence & index->sequences.mask];
	while (*at != object)
		at = &(*at)->next_sequence;
	*at = object->next_sequence;
}

static void hash_study_in(struct spool_index *index, struct study *study)
{
	size_t bucket = index_bucket(&index->contents, study->tag);

	study->next = index->studies[bucket];
	index->studies[bucket] = study;
}

static void hash_study_out(struct spool_index *index, const struct study *study)
{
	struct study **at = &index->studies[index_bucket(&index->contents, study->tag)];

	while (*at != study)
		at = &(*at)->next;
	*at = study->next;
}

/* Into other buckets. */
static void move_studies(struct spool_index *index, struct study **to, size_t was)
{
	struct study **from = index->studies;

	index->studies = to;
	for (size_t i = 0; i < was; i++) {
		struct study *study = from[i], *next;

		for (; study; study = next) {
			next = study->next;
			hash_study_in(index, study);
		}
	}
	free(from);
}

static struct buckets buckets_of(size_t room)
{
	return (struct buckets){ calloc(room, sizeof(struct object *)), room - 1 };
}

/* Doubles the tables when they are full. 0, or -1 without memory. */
MUST_USE static int make_room(struct spool_index *index)
{
	struct buckets before = index->contents;
	size_t was = before.heads ? before.mask + 1 : 0;
	size_t room = was > 0 ? 2 * was : BUCKETS_FIRST;
	struct buckets contents, instances, sequences;
	struct study **studies;

	if (index->count < was)
		return 0;
	contents = buckets_of(room);
	instances = buckets_of(room);
	sequences = buckets_of(room);
	studies = calloc(room, sizeof(*studies));
	if (!contents.heads || !instances.heads || !sequences.heads || !studies) {
		free(contents.heads);
		free(instances.heads);
		free(sequences.heads);
		free(studies);
		return -1;
	}
	free(index->instances.heads);
	free(index->sequences.heads);
	index->contents = contents;
	index->instances = instances;
	index->sequences = sequences;
	move_studies(index, studies, was);
	for (size_t i = 0; i < was; i++) {
		struct object *object = before.heads[i], *next;

		for (; object; object = next) {
			next = object->next_content;
			hash_in(index, object);
		}
	}
	free(before.heads);
	return 0;
}

struct target *index_target(struct spool_index *index, const uint8_t tag[SPOOL_SHORT_TAG])
{
	struct target *target;

	STAILQ_FOREACH(target, &index->targets, others)
	{
		if (memcmp(target->tag, tag, SPOOL_SHORT_TAG) == 0)
			return target;
	}
	target = calloc(1, sizeof(*target));
	if (!target)
		return NULL;
	memcpy(target->tag, tag, SPOOL_SHORT_TAG);
	TAILQ_INIT(&target->studies);
	target->has_changed = true;
	STAILQ_INSERT_TAIL(&index->targets, target, others);
	return target;
}

static struct backlog *find_backlog(const struct target *target, const uint8_t *modality)
{
	for (size_t i = 0; i < target->backlog_count; i++)
		if (memcmp(target->backlogs[i].modality, modality, SPOOL_SHORT_TAG) == 0)
			return &target->backlogs[i];
	return NULL;
}

MUST_USE static int count_backlog(struct target *target, const uint8_t *modality)
{
	struct backlog *backlog = find_backlog(target, modality);

	if (!backlog) {
		struct backlog *more = reallocarray(
			target->backlogs, target->backlog_count + 1, sizeof(*more));

		if (!more)
			return -1;
		target->backlogs = more;
		backlog = &more[target->backlog_count++];
		*backlog = (struct backlog){ .count = 0 };
		memcpy(backlog->modality, modality, SPOOL_SHORT_TAG);
	}
	backlog->count++;
	return 0;
}

uint64_t index_backlog(const struct target *target,
		       const uint8_t modality[SPOOL_SHORT_TAG])
{
	const struct backlog *backlog = find_backlog(target, modality);

	return backlog ? backlog->count : 0;
}

/* Where its first object says. */
static void put_study(struct study *study)
{
	struct target *target = study->target;
	struct study *before = TAILQ_LAST(&target->studies, study_list);

	while (before && before->first > study->first)
		before = TAILQ_PREV(before, study_list, others);
	if (before)
		TAILQ_INSERT_AFTER(&target->studies, before, study, others);
	else
		TAILQ_INSERT_HEAD(&target->studies, study, others);
}

MUST_USE static struct study *find_study(struct spool_index *index, struct target *target,
					 const uint8_t *tag, uint64_t first)
{
	struct study *study = index->studies[index_bucket(&index->contents, tag)];

	while (study &&
	       (study->target != target || memcmp(study->tag, tag, SPOOL_SHORT_TAG) != 0))
		study = study->next;
	if (study)
		return study;
	study = calloc(1, sizeof(*study));
	if (!study)
		return NULL;
	memcpy(study->tag, tag, SPOOL_SHORT_TAG);
	study->target = target;
	study->first = first;
	TAILQ_INIT(&study->objects);
	put_study(study);
	hash_study_in(index, study);
	return study;
}

static void put_object(struct study *study, struct object *object)
{
	struct object *before = TAILQ_LAST(&study->objects, object_list);

	while (before && before->name.sequence > object->name.sequence)
		before = TAILQ_PREV(before, object_list, others);
	if (before)
		TAILQ_INSERT_AFTER(&study->objects, before, object, others);
	else
		TAILQ_INSERT_HEAD(&study->objects, object, others);
	object->study = study;
	if (object->name.sequence >= study->first)
		return;
	study->first = object->name.sequence;
	TAILQ_REMOVE(&study->target->studies, study, others);
	put_study(study);
}

/* Counts an object of that state in, or out. */
static void count_object(struct target *target, const struct spool_name *name, bool is_in)
{
	uint64_t one = is_in ? 1 : UINT64_MAX; /* which is -1 */

	target->has_changed = true;
	if (name->state == SPOOL_HELD)
		target->held += one;
	if (name->state == SPOOL_DEAD)
		target->dead += one;
	if (!is_queued(name))
		return;
	target->queued += one;
	target->bytes += is_in ? name->data_size : -name->data_size;
}

MUST_USE static int enter(struct spool_index *index, struct object *object)
{
	struct target *target = index_target(index, object->name.destination);
	struct study *study = NULL;

	if (!target)
		return -1;
	if (is_queued(&object->name)) {
		if (count_backlog(target, object->name.modality) != 0)
			return -1;
		study = find_study(index, target, object->name.study,
				   object->name.sequence);
		if (!study)
			return -1;
		put_object(study, object);
	}
	count_object(target, &object->name, true);
	index->all_bytes += index_weight(&object->name);
	return 0;
}

static void leave(struct spool_index *index, struct object *object)
{
	struct study *study = object->study;
	struct target *target = index_target(index, object->name.destination);

	index->all_bytes -= index_weight(&object->name);
	if (target)
		count_object(target, &object->name, false);
	if (!study)
		return;
	find_backlog(study->target, object->name.modality)->count--;
	TAILQ_REMOVE(&study->objects, object, others);
	object->study = NULL;
	if (TAILQ_EMPTY(&study->objects)) {
		TAILQ_REMOVE(&study->target->studies, study, others);
		hash_study_out(index, study);
		free(study);
	}
}

struct object *index_add(struct spool_index *index, const struct spool_name *name)
{
	struct object *object = calloc(1, sizeof(*object));

	if (!object || make_room(index) != 0) {
		free(object);
		return NULL;
	}
	object->name = *name;
	if (enter(index, object) != 0) {
		free(object);
		return NULL;
	}
	hash_in(index, object);
	index->count++;
	if (name->sequence > index->last)
		index->last = name->sequence;
	return object;
}

int index_move(struct spool_index *index, struct object *object,
	       const struct spool_name *now)
{
	leave(index, object);
	object->name = *now;
	object->is_in_hand = object->is_owed = object->is_gone = object->is_to_bury =
		false;
	object->losses = object->delays = object->returns = 0;
	object->again_ms = 0;
	return enter(index, object);
}

void index_remove(struct spool_index *index, struct object *object)
{
	leave(index, object);
	hash_out(index, object);
	index->count--;
	free(object);
}

uint64_t index_next_sequence(const struct spool_index *index)
{
	uint64_t now = (uint64_t)clock_utc_us();

	return now > index->last ? now : index->last + 1;
}

struct object *index_same(const struct spool_index *index,
			  const uint8_t content[SPOOL_LONG_TAG])
{
	struct object *object;

	if (!index->contents.heads)
		return NULL;
	object = index->contents.heads[index_bucket(&index->contents, content)];
	while (object && (memcmp(object->name.content, content, SPOOL_LONG_TAG) != 0 ||
			  !object->is_proven || object->is_claimed ||
			  object->name.state == SPOOL_DEAD))
		object = object->next_content;
	return object;
}

bool index_conflicts(const struct spool_index *index,
		     const uint8_t instance[SPOOL_SHORT_TAG],
		     const uint8_t content[SPOOL_LONG_TAG])
{
	const struct object *object;

	if (!index->instances.heads)
		return false;
	object = index->instances.heads[index_bucket(&index->instances, instance)];
	while (object && (memcmp(object->name.instance, instance, SPOOL_SHORT_TAG) != 0 ||
			  memcmp(object->name.content, content, SPOOL_LONG_TAG) == 0 ||
			  object->name.state == SPOOL_DEAD))
		object = object->next_instance;
	return object != NULL;
}

struct object *index_find(const struct spool_index *index, uint64_t sequence)
{
	struct object *object;

	if (!index->sequences.heads)
		return NULL;
	object = index->sequences.heads[sequence & index->sequences.mask];
	while (object && object->name.sequence != sequence)
		object = object->next_sequence;
	return object;
}

void index_each(const struct spool_index *index,
		bool (*see)(void *context, struct object *object), void *context)
{
	for (size_t i = 0; index->contents.heads && i <= index->contents.mask; i++) {
		struct object *object = index->contents.heads[i], *next;

		for (; object; object = next) {
			next = object->next_content; /* the object may go */
			if (!see(context, object))
				return;
		}
	}
}

void index_clear(struct spool_index *index)
{
	struct target *target;

	for (size_t i = 0; index->contents.heads && i <= index->contents.mask; i++)
		while (index->contents.heads[i])
			index_remove(index, index->contents.heads[i]);
	while ((target = STAILQ_FIRST(&index->targets)) != NULL) {
		STAILQ_REMOVE_HEAD(&index->targets, others);
		free(target->backlogs);
		free(target);
	}
	free(index->contents.heads);
	free(index->instances.heads);
	free(index->sequences.heads);
	free(index->studies);
}
