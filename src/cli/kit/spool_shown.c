#include "spool_shown.h"

#include <string.h>

#include "shown.h"
#include "when.h"

#define WIDTH 80

struct view {
	FILE *to;
	int64_t now;
	bool in_colour;
};

static json_int_t number(const json_t *object, const char *member)
{
	return json_integer_value(json_object_get(object, member));
}

static const char *text(const json_t *object, const char *member)
{
	const char *value = json_string_value(json_object_get(object, member));

	return value ? value : "";
}

static const char *plural(json_int_t count)
{
	return count == 1 ? "" : "s";
}

static void put_colour(const struct view *view, const char *colour)
{
	if (view->in_colour)
		fputs(colour, view->to);
}

static void put_coloured(const struct view *view, const char *colour, const char *words)
{
	put_colour(view, colour);
	fputs(words, view->to);
	put_colour(view, SHOWN_PLAIN);
}

static void print_head(const struct view *view, const json_t *spool)
{
	char used[SHOWN_SIZE_SIZE], most[SHOWN_SIZE_SIZE], room[SHOWN_SIZE_SIZE];

	shown_size(number(spool, "used_bytes"), used);
	shown_size(number(spool, "max_bytes"), most);
	fputs("\nSpool ", view->to);
	if (!json_is_true(json_object_get(spool, "ready")))
		put_coloured(view, SHOWN_RED, "OUT OF SERVICE");
	else if (json_is_true(json_object_get(spool, "full")))
		put_coloured(view, SHOWN_RED, "FULL");
	else
		put_coloured(view, SHOWN_GREEN, "ready");
	fprintf(view->to, ": %s of %s", used, most);
	if (json_is_integer(json_object_get(spool, "free_bytes"))) {
		shown_size(number(spool, "free_bytes"), room);
		fprintf(view->to, ", %s free on its disk", room);
	}
	fputc('\n', view->to);
}

/* How fast they go, and until when. */
static void print_pace(const struct view *view, const json_t *item)
{
	double objects = json_real_value(json_object_get(item, "objects_per_second"));
	double megabytes = json_real_value(json_object_get(item, "megabytes_per_second"));
	const json_t *left = json_object_get(item, "seconds_left");
	char lasts[WHEN_SIZE];

	if (objects <= 0)
		return;
	fprintf(view->to, "    %.1f objects/s, %.1f MB/s", objects, megabytes);
	if (json_is_real(left)) {
		when_lasting((int64_t)json_real_value(left), lasts);
		fprintf(view->to, ": all are delivered in about %s", lasts);
	}
	fputc('\n', view->to);
}

static void print_others(const struct view *view, const json_t *item)
{
	json_int_t dead = number(item, "dead"), held = number(item, "held");
	char tried[WHEN_SIZE], last[WHEN_SIZE];
	const char *next = text(item, "next_try");

	if (dead > 0) {
		fprintf(view->to, "    %lld object%s ", (long long)dead, plural(dead));
		put_coloured(view, SHOWN_RED, "dead");
		fputs(": cathgate spool list --state dead\n", view->to);
	}
	if (held > 0)
		fprintf(view->to, "    %lld object%s held until an operator decides\n",
			(long long)held, plural(held));
	when_text(text(item, "last_delivery"), view->now, last);
	if (last[0])
		fprintf(view->to, "    the last was delivered %s\n", last);
	if (next[0]) {
		when_short(next, view->now, tried);
		fprintf(view->to, "    the destination fails; tried again at %s\n",
			tried);
	}
}

static void print_destination(const struct view *view, const json_t *item)
{
	const char *name = text(item, "destination");
	json_int_t queued = number(item, "queued");
	char size[SHOWN_SIZE_SIZE], oldest[WHEN_SIZE];

	fputs("  ", view->to);
	shown_text(view->to, name[0] ? name : "(of no destination that is configured)");
	if (queued == 0) {
		fputs(": nothing waits\n", view->to);
	} else {
		shown_size(number(item, "queued_bytes"), size);
		when_text(text(item, "oldest"), view->now, oldest);
		fprintf(view->to, ": %lld object%s (%s) wait%s, the oldest from %s\n",
			(long long)queued, plural(queued), size, queued == 1 ? "s" : "",
			oldest);
		print_pace(view, item);
	}
	print_others(view, item);
}

void spool_shown(const json_t *status, int64_t now, bool in_colour, FILE *to)
{
	const json_t *spool = json_object_get(status, "spool"), *item;
	const struct view view = { .to = to, .now = now, .in_colour = in_colour };
	size_t i;

	if (!json_is_object(spool))
		return;
	print_head(&view, spool);
	json_array_foreach(json_object_get(spool, "destinations"), i, item)
		print_destination(&view, item);
}
