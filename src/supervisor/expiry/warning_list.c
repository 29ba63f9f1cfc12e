#include "supervisor/expiry/warning_list.h"

#include <stdlib.h>
#include <string.h>

#include "cathgate/base/log.h"

struct warning *warning_list_find(const struct warning_list *list,
				  enum warning_owner owner, const char *name,
				  time_t until)
{
	for (size_t i = 0; i < list->count; i++) {
		struct warning *item = &list->items[i];

		if (item->owner == owner && item->until == until &&
		    strcmp(item->name, name) == 0)
			return item;
	}
	return NULL;
}

struct warning *warning_list_add(struct warning_list *list, enum warning_owner owner,
				 const char *name, time_t until)
{
	struct warning *items =
		reallocarray(list->items, list->count + 1, sizeof(*items));
	char *copy = strdup(name);

	if (items)
		list->items = items;
	if (!items || !copy) {
		log_error("no memory to watch the end of %s", name);
		free(copy);
		return NULL;
	}
	items[list->count] = (struct warning){
		.owner = owner, .name = copy, .until = until, .told = WARNING_NOT_TOLD
	};
	return &items[list->count++];
}

void warning_list_drop(struct warning_list *list, size_t i)
{
	free(list->items[i].name);
	list->items[i] = list->items[--list->count];
}

void warning_list_clear(struct warning_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].name);
	free(list->items);
	*list = (struct warning_list){ 0 };
}
