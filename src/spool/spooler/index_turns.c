/* Which object is next. */
#include "index.h"

#include <string.h>

/* Whether an older object with the same SOP instance waits for the same destination: the
 * destination would keep what came last. It may be of another study. */
MUST_USE static bool is_behind(const struct spool_index *index,
			       const struct object *object)
{
	const struct spool_name *name = &object->name;
	const struct object *other =
		index->instances.heads[index_bucket(&index->instances, name->instance)];

	while (other &&
	       (!other->study || other->name.sequence >= name->sequence ||
		memcmp(other->name.instance, name->instance, SPOOL_SHORT_TAG) != 0 ||
		memcmp(other->name.destination, name->destination, SPOOL_SHORT_TAG) != 0))
		other = other->next_instance;
	return other != NULL;
}

/* The first of the study that may go now. An object that waits alone is passed over: its
 * neighbours go on. One that is not committed yet holds up those behind it. */
static struct object *first_of(const struct spool_index *index, const struct study *study,
			       int64_t now_ms, int64_t *ret_again_ms)
{
	struct object *object;

	TAILQ_FOREACH(object, &study->objects, others)
	{
		if (object->is_in_hand || !object->is_committed)
			return NULL;
		if (object->is_owed || object->is_claimed || is_behind(index, object))
			continue;
		if (object->again_ms <= now_ms)
			return object;
		if (*ret_again_ms == 0 || object->again_ms < *ret_again_ms)
			*ret_again_ms = object->again_ms;
	}
	return NULL;
}

struct object *index_next(const struct spool_index *index, const struct target *target,
			  const struct worker *worker, int64_t now_ms,
			  int64_t *ret_again_ms)
{
	struct object *oldest = NULL;
	const struct study *study;

	*ret_again_ms = 0;
	TAILQ_FOREACH(study, &target->studies, others)
	{
		struct object *object;

		if (oldest && study->first > oldest->name.sequence)
			break; /* nor can one behind it be older */
		if (study->holder && study->holder != worker)
			continue;
		object = first_of(index, study, now_ms, ret_again_ms);
		if (object && (!oldest || object->name.sequence < oldest->name.sequence))
			oldest = object;
	}
	return oldest;
}

unsigned index_ways(const struct spool_index *index, const struct target *target,
		    int64_t now_ms, unsigned most)
{
	const struct study *study;
	unsigned ways = 0;
	int64_t again_ms = 0;

	TAILQ_FOREACH(study, &target->studies, others)
	{
		if (ways >= most)
			break;
		ways += study->holder || first_of(index, study, now_ms, &again_ms);
	}
	return ways;
}
