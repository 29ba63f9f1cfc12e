#include "selection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/moment.h"

#define NUMBER_DIGITS 16
#define SECOND_US     1000000

static const char *const states[SPOOL_STATE_COUNT] = {
	[SPOOL_QUEUED] = "queued",
	[SPOOL_HELD] = "held",
	[SPOOL_DEAD] = "dead",
	[SPOOL_DELIVERED] = "delivered",
};

const char *selection_state(uint32_t state)
{
	return state < SPOOL_STATE_COUNT ? states[state] : "unknown";
}

static int find_state(const char *value)
{
	for (int i = 0; i < SPOOL_STATE_COUNT; i++)
		if (strcmp(states[i], value) == 0)
			return i;
	return -1;
}

const char *selection_judge_state(const char *value)
{
	return find_state(value) >= 0 ? NULL
				      : "is no state; write queued, held, dead or "
					"delivered";
}

const char *selection_judge_uid(const char *value)
{
	size_t length = strlen(value);

	return length > 0 && length <= 64 && strspn(value, "0123456789.") == length
		       ? NULL
		       : "is no UID; write up to 64 digits and dots";
}

const char *selection_judge_name(const char *value)
{
	return value[0] && strlen(value) < 64 ? NULL
					      : "is no name; one has 1 to 63 bytes";
}

bool selection_is_given(const struct selection *selection)
{
	return selection->states.count > 0 || selection->study ||
	       selection->sop_instance || selection->modality || selection->destination ||
	       selection->period.since_text || selection->period.until_text;
}

static void put_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "");
}

#define PUT(field, text) put_text(ret->field, sizeof(ret->field), text)

MUST_USE static int make_filter(struct selection *selection, uint32_t usual,
				struct spool_filter *ret)
{
	struct period *period = &selection->period;

	if (period_read(period, false) != 0)
		return -1;
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < selection->states.count; i++)
		ret->states |= 1U << find_state(selection->states.items[i]);
	if (ret->states == 0)
		ret->states = usual;
	PUT(study, selection->study);
	PUT(sop_instance, selection->sop_instance);
	PUT(modality, selection->modality);
	PUT(destination, selection->destination);
	if (period->since_text)
		ret->after = period->since / SECOND_US;
	if (period->until_text)
		ret->before = period->until / SECOND_US;
	return 0;
}

MUST_USE static int read_number(const char *text, uint64_t *ret)
{
	char *end;

	if (strlen(text) != NUMBER_DIGITS ||
	    strspn(text, "0123456789abcdefABCDEF") != NUMBER_DIGITS) {
		complain(
			"\"%s\" is no object's number: those have %d hexadecimal digits, "
			"as cathgate spool list shows them",
			text, NUMBER_DIGITS);
		return -1;
	}
	*ret = strtoull(text, &end, 16);
	return 0;
}

/* Adds the one of that number, where there is one. */
MUST_USE static int add_numbered(const struct reach *reach, const char *text,
				 struct spool_item *items, size_t *count)
{
	struct spool_filter filter;
	struct spool_item *found = NULL;
	size_t found_count = 0;

	memset(&filter, 0, sizeof(filter));
	if (read_number(text, &filter.object) != 0 ||
	    reach_list(reach, &filter, &found, &found_count) != 0)
		return -1;
	if (found_count > 0)
		items[(*count)++] = found[0];
	else
		complain("object %s: there is none", text);
	free(found);
	return 0;
}

int selection_find(struct selection *selection, const struct reach *reach,
		   char *const *numbers, size_t number_count, uint32_t usual,
		   struct spool_item **ret, size_t *ret_count, size_t *ret_missing)
{
	struct spool_item *items;
	struct spool_filter filter;
	size_t count = 0;

	*ret_missing = 0;
	if (number_count > 0 && selection_is_given(selection)) {
		complain("name objects, or say what they are of; not both");
		return -1;
	}
	if (number_count == 0)
		return make_filter(selection, usual, &filter) != 0
			       ? -1
			       : reach_list(reach, &filter, ret, ret_count);
	items = calloc(number_count, sizeof(*items));
	if (!items)
		return complain_memory();
	for (size_t i = 0; i < number_count; i++)
		if (add_numbered(reach, numbers[i], items, &count) != 0) {
			free(items);
			return -1;
		}
	*ret = items;
	*ret_count = count;
	*ret_missing = number_count - count;
	return 0;
}
