/* Objects that were delivered are remembered for a while, so that one that comes again is
 * known. Each costs memory here, and a name in the folder. */
#include "internal.h"

#include <stdlib.h>

struct numbers {
	uint64_t *items;
	size_t count, room;
	bool is_short; /* of memory */
};

static bool collect(void *context, struct object *object)
{
	struct numbers *numbers = context;

	if (object->name.state != SPOOL_DELIVERED)
		return true;
	if (numbers->count == numbers->room) {
		size_t room = numbers->room ? 2 * numbers->room : 1024;
		uint64_t *more = reallocarray(numbers->items, room, sizeof(*more));

		numbers->is_short = !more;
		if (!more)
			return false;
		numbers->items = more;
		numbers->room = room;
	}
	numbers->items[numbers->count++] = object->name.sequence;
	return true;
}

static int by_number(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

	return (one > other) - (one < other);
}

uint64_t tombstones_first(const struct spool_index *index, size_t most)
{
	struct numbers numbers = { .items = NULL };
	uint64_t first = 0;

	if (index->count <= most) /* so many can't be delivered ones */
		return 0;
	index_each(index, collect, &numbers);
	if (!numbers.is_short && numbers.count > most) {
		qsort(numbers.items, numbers.count, sizeof(*numbers.items), by_number);
		first = numbers.items[numbers.count - most];
	}
	free(numbers.items);
	return first;
}
