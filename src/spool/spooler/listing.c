/* Which objects an operator means, and what a tool may know of each. Tags are made once
 * for a listing, not for each object: there may be hundreds of thousands. */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/memory_file.h"

/* Those that a name may have, all of one purpose. */
struct tags {
	uint8_t (*items)[SPOOL_SHORT_TAG];
	size_t count;
};

struct listing {
	struct spooler *spooler;
	const struct spool_filter *filter;
	uint8_t destination[SPOOL_SHORT_TAG], modality[SPOOL_SHORT_TAG];
	struct tags studies, instances;
	uint32_t count;
	const struct object **objects;
	size_t room;
	bool is_short; /* of memory */
};

/* One more tag of these texts, by that key. */
static void add_tag(struct listing *listing, struct tags *tags, size_t key,
		    const char *purpose, const char *const *texts, size_t count)
{
	uint8_t(*more)[SPOOL_SHORT_TAG] =
		reallocarray(tags->items, tags->count + 1, sizeof(*more));
	const void *parts[3];
	size_t sizes[3];

	if (!more) {
		listing->is_short = true;
		return;
	}
	tags->items = more;
	for (size_t i = 0; i < count; i++) {
		parts[i] = texts[i];
		sizes[i] = strlen(texts[i]);
	}
	if (spool_tag(&listing->spooler->keys[key], purpose, parts, sizes, count,
		      more[tags->count], SPOOL_SHORT_TAG) == 0)
		tags->count++;
}

/* Of that modality, by each key: an object that came under an earlier one has its tags of
 * study and instance by that. */
static void add_tags_of(struct listing *listing, const char *modality)
{
	const struct spool_filter *filter = listing->filter;
	const struct known_names *destinations = &listing->spooler->destinations;

	for (size_t key = 0; key < listing->spooler->key_count; key++) {
		const char *study[] = { modality, filter->study };

		if (filter->study[0])
			add_tag(listing, &listing->studies, key, "study", study, 2);
		for (size_t i = 0; filter->sop_instance[0] && i < destinations->count;
		     i++) {
			const char *instance[] = { destinations->items[i].text, modality,
						   filter->sop_instance };

			add_tag(listing, &listing->instances, key, "instance", instance,
				3);
		}
	}
}

static void make_tags(struct listing *listing)
{
	const struct spool_filter *filter = listing->filter;
	struct spooler *spooler = listing->spooler;

	if (filter->destination[0] &&
	    names_tag(spooler, 0, "destination", filter->destination,
		      listing->destination) != 0)
		listing->is_short = true;
	if (filter->modality[0] &&
	    names_tag(spooler, 0, "modality", filter->modality, listing->modality) != 0)
		listing->is_short = true;
	if (filter->modality[0])
		add_tags_of(listing, filter->modality);
	for (size_t i = 0; !filter->modality[0] && i < spooler->modalities.count; i++)
		add_tags_of(listing, spooler->modalities.items[i].text);
}

static bool has_tag(const struct tags *tags, const uint8_t tag[SPOOL_SHORT_TAG])
{
	for (size_t i = 0; i < tags->count; i++)
		if (memcmp(tags->items[i], tag, SPOOL_SHORT_TAG) == 0)
			return true;
	return false;
}

static bool is_same(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, SPOOL_SHORT_TAG) == 0;
}

/* Its time in the name is another once it has been sent again, or delivered. */
static int64_t came_at(const struct spool_name *name)
{
	return (int64_t)(name->sequence / 1000000);
}

static bool fits(const struct listing *listing, const struct object *object)
{
	const struct spool_filter *filter = listing->filter;
	const struct spool_name *name = &object->name;

	return (filter->object == 0 || filter->object == name->sequence) &&
	       (filter->states == 0 || (filter->states & 1U << name->state) != 0) &&
	       (filter->after == 0 || came_at(name) >= filter->after) &&
	       (filter->before == 0 || came_at(name) < filter->before) &&
	       (!filter->destination[0] ||
		is_same(listing->destination, name->destination)) &&
	       (!filter->modality[0] || is_same(listing->modality, name->modality)) &&
	       (!filter->study[0] || has_tag(&listing->studies, name->study)) &&
	       (!filter->sop_instance[0] || has_tag(&listing->instances, name->instance));
}

static bool collect(void *context, struct object *object)
{
	struct listing *listing = context;

	if (!fits(listing, object))
		return true;
	if (listing->count == listing->room) {
		size_t room = listing->room ? 2 * listing->room : 1024;
		const struct object **more =
			reallocarray(listing->objects, room, sizeof(*more));

		if (!more) {
			listing->is_short = true;
			return false;
		}
		listing->objects = more;
		listing->room = room;
	}
	listing->objects[listing->count++] = object;
	return true;
}

static int by_sequence(const void *a, const void *b)
{
	const struct object *const *one = a, *const *other = b;
	uint64_t first = (*one)->name.sequence, second = (*other)->name.sequence;

	return (first > second) - (first < second);
}

void listing_describe(const struct spooler *spooler, const struct object *object,
		      struct spool_item *ret)
{
	const struct spool_name *name = &object->name;
	int64_t left_ms = object->again_ms - clock_ms();

	memset(ret, 0, sizeof(*ret)); /* it crosses to another process */
	ret->object = name->sequence;
	ret->bytes = name->data_size;
	ret->came = came_at(name);
	ret->again = left_ms > 0 ? time(NULL) + left_ms / 1000 + 1 : 0;
	ret->state = name->state == SPOOL_NAMED ? SPOOL_QUEUED : name->state;
	ret->is_in_hand = object->is_in_hand;
	ret->is_committed = object->is_committed;
	ret->losses = object->losses;
	ret->delays = object->delays;
	snprintf(ret->destination, sizeof(ret->destination), "%s",
		 names_find(&spooler->destinations, name->destination));
	snprintf(ret->modality, sizeof(ret->modality), "%s",
		 names_find(&spooler->modalities, name->modality));
}

static int write_items(const void *context, FILE *to)
{
	const struct listing *listing = context;

	for (size_t i = 0; i < listing->count; i++) {
		struct spool_item item;

		listing_describe(listing->spooler, listing->objects[i], &item);
		fwrite(&item, sizeof(item), 1, to);
	}
	return 0;
}

/* By its number alone, one is found without a look at the others. */
static void collect_one(struct listing *listing)
{
	struct object *object =
		index_find(&listing->spooler->index, listing->filter->object);

	if (object)
		collect(listing, object);
}

int listing_make(struct spooler *spooler, const struct spool_filter *filter,
		 uint32_t *ret_count)
{
	struct listing listing = { .spooler = spooler, .filter = filter };
	int file = -1, error = ENOMEM;

	make_tags(&listing);
	if (filter->object != 0)
		collect_one(&listing);
	else
		index_each(&spooler->index, collect, &listing);
	if (listing.count > 0)
		qsort(listing.objects, listing.count, sizeof(*listing.objects),
		      by_sequence);
	if (!listing.is_short) {
		file = memory_file_make(write_items, &listing);
		error = errno;
	}
	*ret_count = listing.count;
	free(listing.objects);
	free(listing.studies.items);
	free(listing.instances.items);
	errno = error;
	return file;
}
