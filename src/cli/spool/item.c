#include "item.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "selection.h"

#define SECOND_US 1000000

void item_number(uint64_t object, char ret[ITEM_NUMBER_SIZE])
{
	snprintf(ret, ITEM_NUMBER_SIZE, "%016" PRIx64, object);
}

static void add(char *text, size_t size, const char *more)
{
	size_t length = strlen(text);

	snprintf(text + length, size - length, "%s%s", length > 0 ? "; " : "", more);
}

static void tell_what(const struct spool_item *item, char *ret, size_t size)
{
	char again[MOMENT_SIZE], more[80];

	ret[0] = '\0';
	if (!item->is_committed)
		add(ret, size, "comes just now");
	if (item->is_in_hand)
		add(ret, size, "on its way");
	if (item->again != 0) {
		moment_say(item->again * SECOND_US, false, again);
		snprintf(more, sizeof(more), "waits alone until %s", again);
		add(ret, size, more);
	}
	if (item->losses > 0) {
		snprintf(more, sizeof(more),
			 "the destination broke off %" PRIu32 " time%s", item->losses,
			 item->losses == 1 ? "" : "s");
		add(ret, size, more);
	}
	if (item->delays > 0) {
		snprintf(more, sizeof(more), "it was put off %" PRIu32 " time%s",
			 item->delays, item->delays == 1 ? "" : "s");
		add(ret, size, more);
	}
}

void item_text(const struct spool_item *item, struct item_texts *ret)
{
	item_number(item->object, ret->number);
	if (isatty(STDOUT_FILENO) == 1)
		moment_say(item->came * SECOND_US, false, ret->came);
	else
		moment_show(item->came * SECOND_US, false, ret->came);
	shown_size((int64_t)item->bytes, ret->size);
	tell_what(item, ret->what, sizeof(ret->what));
}

static json_t *moment_json(int64_t seconds)
{
	char text[MOMENT_SIZE];

	if (seconds == 0)
		return json_null();
	moment_write(seconds * SECOND_US, text);
	return json_string(text);
}

static json_t *name_json(const char *name)
{
	return name[0] ? shown_json(name) : json_null();
}

json_t *item_json(const struct spool_item *item)
{
	char number[ITEM_NUMBER_SIZE];

	item_number(item->object, number);
	return json_pack(
		"{s:s,s:s,s:o,s:I,s:o,s:o,s:b,s:b,s:I,s:I,s:o}", "object", number,
		"state", selection_state(item->state), "came", moment_json(item->came),
		"bytes", (json_int_t)item->bytes, "modality", name_json(item->modality),
		"destination", name_json(item->destination), "in_hand", item->is_in_hand,
		"committed", item->is_committed, "losses", (json_int_t)item->losses,
		"delays", (json_int_t)item->delays, "next_try", moment_json(item->again));
}
