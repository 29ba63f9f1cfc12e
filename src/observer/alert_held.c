#include "alert_held.h"

#include <stdlib.h>
#include <string.h>

#include "cathgate/observer/alerter.h"

#define GONE_MS (ALERTER_GONE_SECONDS * INT64_C(1000))

/* A modality and a destination may have one name. */
static bool is_same(const json_t *a, const json_t *b)
{
	static const char *const members[] = { "problem", "subject", "owner" };

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const json_t *one = json_object_get(a, members[i]);
		const json_t *other = json_object_get(b, members[i]);

		if (one != other && !json_equal(one, other))
			return false;
	}
	return true;
}

static bool is_critical(const json_t *problem)
{
	const char *level = json_string_value(json_object_get(problem, "level"));

	return level && strcmp(level, "critical") == 0;
}

static struct alert_held_item *find(struct alert_held *held, const json_t *problem)
{
	for (size_t i = 0; i < held->count; i++)
		if (is_same(held->items[i].problem, problem))
			return &held->items[i];
	return NULL;
}

/* NULL without memory: then it is told again. */
static struct alert_held_item *add(struct alert_held *held, json_t *problem)
{
	struct alert_held_item *items =
		reallocarray(held->items, held->count + 1, sizeof(*items));

	if (!items)
		return NULL;
	held->items = items;
	items[held->count] = (struct alert_held_item){ .problem = json_incref(problem) };
	return &items[held->count++];
}

/* Whether that must be told. */
static bool see(struct alert_held *held, json_t *problem)
{
	struct alert_held_item *item = find(held, problem);
	bool is_new = !item;

	if (is_new)
		item = add(held, problem);
	if (!item)
		return true;
	json_incref(problem);
	json_decref(item->problem);
	item->problem = problem;
	item->gone_ms = 0;
	if (!is_critical(problem))
		return is_new;
	item->mild_ms = 0;
	is_new |= !item->is_critical;
	item->is_critical = true;
	return is_new;
}

static bool holds(const json_t *problems, const json_t *problem)
{
	const json_t *item;
	size_t i;

	json_array_foreach(problems, i, item) if (is_same(item, problem)) return true;
	return false;
}

/* Whether that which began at *since_ms (0: now) has lasted. */
static bool lasts(int64_t *since_ms, int64_t now_ms)
{
	if (*since_ms == 0)
		*since_ms = now_ms;
	return now_ms - *since_ms >= GONE_MS;
}

void alert_held_look(struct alert_held *held, const json_t *problems, int64_t now_ms,
		     alert_held_say *say, void *context)
{
	json_t *problem;
	size_t at, kept = 0;

	json_array_foreach(problems, at, problem) if (see(held, problem))
		say(context, "began", problem);
	for (at = 0; at < held->count; at++) {
		struct alert_held_item *item = &held->items[at];
		bool is_there = holds(problems, item->problem);

		if (!is_there || !is_critical(item->problem))
			item->is_critical &= !lasts(&item->mild_ms, now_ms);
		if (!is_there && lasts(&item->gone_ms, now_ms)) {
			say(context, "ended", item->problem);
			json_decref(item->problem);
		} else {
			held->items[kept++] = *item;
		}
	}
	held->count = kept;
}

void alert_held_touch(struct alert_held *held, const json_t *problem)
{
	struct alert_held_item *item = find(held, problem);

	if (!item)
		return;
	item->gone_ms = 0;
	if (is_critical(problem))
		item->mild_ms = 0;
}

void alert_held_clear(struct alert_held *held)
{
	for (size_t i = 0; i < held->count; i++)
		json_decref(held->items[i].problem);
	free(held->items);
	*held = (struct alert_held){ 0 };
}
