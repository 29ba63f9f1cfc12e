#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/durable.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/shown.h"

static bool is_there(int folder, const char *name)
{
	struct stat status;

	return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The folder that holds `path`, made where it is missing: another machine may lack
 * credstore.encrypted, say. */
static int open_parent(const char *path, bool makes)
{
	int parent = durable_open_parent(path);
	const char *folder = keep_copy(path, (size_t)(durable_base(path) - path) - 1);
	const struct durable_owner own = { (uid_t)-1, (gid_t)-1, 0700 };

	if (parent < 0 && errno == ENOENT && makes && durable_folder(folder, &own) == 0)
		parent = durable_open_parent(path);
	return parent;
}

int places_add(struct places *places, int from, const char *staged, const char *path,
	       bool goes_when_absent)
{
	struct place place = { .from = from,
			       .staged = staged,
			       .path = path,
			       .name = durable_base(path),
			       .has_new = is_there(from, staged) };

	place.to = open_parent(path, place.has_new);
	if (place.to < 0)
		return place.has_new ? complain_file(path) : 0;
	place.has_old = is_there(place.to, place.name);
	if (place.has_new || (place.has_old && goes_when_absent)) {
		if (places->count < PLACES_MAX) {
			places->items[places->count++] = place;
			return 0;
		}
		complain("the backup has more than %d parts", PLACES_MAX);
	}
	close(place.to);
	return place.has_new ? -1 : 0;
}

void places_print(const struct places *places)
{
	for (size_t i = 0; i < places->count; i++) {
		const struct place *place = &places->items[i];

		printf("  %s ", !place->has_old	  ? "new:      "
				: !place->has_new ? "goes away:"
						  : "replaced: ");
		shown_text(stdout, place->path);
		putchar('\n');
	}
	printf("What is there now is kept beside it, as NAME%s.\n", places->aside);
}

static const char *aside_of(const struct places *places, const struct place *place)
{
	return keep_format("%s%s", place->name, places->aside);
}

/* Brings a new one that has an old one to change with. */
static int bring(const struct places *places, struct place *place)
{
	if (!place->has_new || !place->has_old)
		return 0;
	if (durable_move_at(place->from, place->staged, place->to,
			    aside_of(places, place)) < 0)
		return -1;
	place->steps++;
	return 0;
}

static int put(const struct places *places, struct place *place)
{
	const char *aside = aside_of(places, place);
	int result;

	if (!place->has_old)
		result = durable_move_at(place->from, place->staged, place->to,
					 place->name);
	else if (!place->has_new)
		result = durable_move_at(place->to, place->name, place->to, aside);
	else
		result = renameat2(place->to, aside, place->to, place->name,
				   RENAME_EXCHANGE);
	place->steps += result == 0;
	return result;
}

static void take_back(const struct places *places, const struct place *place)
{
	const char *aside = aside_of(places, place);
	int result = 0;

	if (place->steps == 0)
		return;
	if (!place->has_old) {
		result = durable_move_at(place->to, place->name, place->from,
					 place->staged);
	} else if (!place->has_new) {
		result = durable_move_at(place->to, aside, place->to, place->name);
	} else {
		if (place->steps == 2)
			result = renameat2(place->to, aside, place->to, place->name,
					   RENAME_EXCHANGE);
		if (result == 0)
			result = durable_move_at(place->to, aside, place->from,
						 place->staged);
	}
	if (result < 0)
		complain("%s could not be put back: %s; see %s%s", place->path,
			 strerror(errno), place->path, places->aside);
}

int places_commit(struct places *places)
{
	struct place *failed = NULL;

	for (size_t i = 0; i < places->count && !failed; i++)
		if (places->items[i].has_new && syncfs(places->items[i].from) < 0)
			failed = &places->items[i];
	for (size_t i = 0; i < places->count && !failed; i++)
		if (bring(places, &places->items[i]) < 0)
			failed = &places->items[i];
	for (size_t i = 0; i < places->count && !failed; i++)
		if (put(places, &places->items[i]) < 0)
			failed = &places->items[i];
	if (!failed) {
		for (size_t i = 0; i < places->count; i++)
			(void)!durable_sync_at(places->items[i].to); /* all is there */
		return 0;
	}
	complain("%s: %s; so nothing was restored", failed->path,
		 errno == EBUSY ? "it is a file system of its own, which can't change "
				  "places with another folder"
				: strerror(errno));
	for (size_t i = places->count; i-- > 0;)
		take_back(places, &places->items[i]);
	return -1;
}

void places_close(struct places *places)
{
	for (size_t i = 0; i < places->count; i++)
		close(places->items[i].to);
	places->count = 0;
}
